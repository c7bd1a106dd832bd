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
  /** Time counts from here on. */
  begin(): void;
  /** Resolves at once while little time has passed, else in the next turn. */
  pass(): Promise<void>;
}

/** Little of the 50 ms that the loop may be held for: the next step, or a garbage collection, may take as long again. */
export const sliceMs = 10;

export function createTurns({ afterPoll }: Pick<Clock, 'afterPoll'>): Turns {
  const waiting: (() => void)[] = [];
  const give = () => {
    const run = waiting.shift();
    if (waiting.length > 0) afterPoll(give);
    run?.();
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
