import type { GoneServer } from '../observe/transition-file.ts';
import type { Ownership } from '../run/reconciler.ts';
import type { StateFile } from '../run/state.ts';

/** What the agent writes down to outlast it: which services are ours, and which servers are told to be gone. */
export interface Ledger extends Ownership {
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
  let owned: ReadonlySet<string> = new Set(file.initial.services);
  let saved = JSON.stringify([file.initial.services, file.initial.gone]);
  let isFailing = false;

  const save = () => {
    const state = { services: [...owned], gone: gone() };
    const text = JSON.stringify([state.services, state.gone]);
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

  return {
    owned: () => owned,
    replace: (keys) => {
      owned = keys;
      save();
    },
    save,
  };
}
