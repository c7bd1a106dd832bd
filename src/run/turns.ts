import type { Clock } from './clock.ts';

/** Turns at the event loop for work that takes long, one after the other: sockets are read, and runs started, between. */
export interface Turns {
  /** Calls `run` in a turn that nobody else has been given. */
  take(run: () => void): void;
  /** Resolves in such a turn. */
  next(): Promise<void>;
}

/** Takes turns where its work has become long. */
export interface Slices {
  /** From here on counts what the work takes. */
  begin(): void;
  /** Resolves at once while the work has taken little, else in the next turn. */
  pass(): Promise<void>;
}

/** What comes next may take as long again, and be followed by a garbage collection, before the loop is held for too long. */
export const sliceMs = 10;

export function createTurns({ afterPoll }: Pick<Clock, 'afterPoll'>): Turns {
  const waiting: (() => void)[] = [];
  const give = () => {
    const [run] = waiting;
    run?.();
    waiting.shift();
    if (waiting.length > 0) afterPoll(give);
  };
  const take = (run: () => void) => {
    waiting.push(run);
    if (waiting.length === 1) afterPoll(give);
  };
  return { take, next: () => new Promise(take) };
}

export function createSlices(turns: Pick<Turns, 'next'>, { now }: Pick<Clock, 'now'>): Slices {
  let startMs = now();
  const begin = () => {
    startMs = now();
  };
  return {
    begin,
    pass: async () => {
      if (now() - startMs < sliceMs) return;
      await turns.next();
      begin();
    },
  };
}
