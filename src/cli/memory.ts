import type { GoneServer } from '../observe/transition-file.ts';
import type { Ownership } from '../run/reconciler.ts';
import type { StateFile } from '../run/state.ts';

/** What the agent remembers beyond its own life: which services are ours, and which servers are told to be gone. */
export interface Memory extends Ownership {
  /** Takes note of what is gone. Written with the next change, at the latest at `save()`. */
  noteGone(gone: readonly GoneServer[]): void;
  save(): void;
}

/** Failing to write is told once, until it works again; what is remembered in the process stays right. */
export function createMemory(file: StateFile, onError: (error: NodeJS.ErrnoException) => void): Memory {
  let owned: ReadonlySet<string> = new Set(file.initial.services);
  let gone: readonly GoneServer[] = file.initial.gone;
  let saved = JSON.stringify([[...owned], gone]);
  let isFailing = false;

  const save = () => {
    const now = JSON.stringify([[...owned], gone]);
    if (now === saved) return;
    try {
      file.save({ services: [...owned], gone });
      saved = now;
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
    noteGone: (now) => {
      gone = now;
    },
    save,
  };
}
