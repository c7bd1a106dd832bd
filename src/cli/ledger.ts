import type { GoneServer } from '../observe/transition-file.ts';
import type { Ownership } from '../run/ownership.ts';
import type { StateFile } from '../run/state.ts';

/** What the agent writes down to outlast it: what is ours, and which servers are told to be gone. */
export interface Ledger {
  readonly services: Ownership;
  readonly daemons: Ownership;
  /** Writes what has changed since it was last written. */
  save(): void;
}

export interface LedgerOptions {
  readonly file: StateFile;
  readonly gone: () => readonly GoneServer[];
  /** Told of the first of the errors in a row; what is known in the process stays right. */
  readonly onError: (error: NodeJS.ErrnoException) => void;
}

export function createLedger({ file, gone, onError }: LedgerOptions): Ledger {
  const { initial } = file;
  let saved = JSON.stringify(initial);
  let isFailing = false;

  const save = () => {
    const state = { services: [...services.owned()], daemons: [...daemons.owned()], gone: gone() };
    const text = JSON.stringify(state);
    if (text === saved) return;
    try {
      file.save(state);
      saved = text;
      isFailing = false;
    } catch (error) {
      if (!isFailing) onError(error as NodeJS.ErrnoException);
      isFailing = true;
    }
  };

  const services = createOwnership(initial.services, save);
  const daemons = createOwnership(initial.daemons, save);
  return { services, daemons, save };
}

function createOwnership(initial: readonly string[], save: () => void): Ownership {
  let owned: ReadonlySet<string> = new Set(initial);
  return {
    owned: () => owned,
    replace: (keys) => {
      owned = keys;
      save();
    },
  };
}
