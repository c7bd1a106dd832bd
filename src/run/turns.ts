import type { Clock } from './clock.ts';

/** Work that takes long lets others have their turn in between: sockets are read, runs started, deadlines judged. */
export interface Turns {
  /** From here on counts what the work has taken. */
  begin(): void;
  /** Resolves at once while the work has taken little; else after the others had their turn. */
  pass(): Promise<void>;
}

/** What comes next may take as long again, and be followed by a garbage collection, before a hold is one. */
export const sliceMs = 10;

export function createTurns(clock: Pick<Clock, 'now' | 'afterPoll'>): Turns {
  let startMs = Number.POSITIVE_INFINITY;
  const begin = () => {
    startMs = clock.now();
  };
  return {
    begin,
    pass: async () => {
      if (clock.now() - startMs < sliceMs) return;
      await othersHaveTheirTurn(clock);
      begin();
    },
  };
}

export function othersHaveTheirTurn(clock: Pick<Clock, 'afterPoll'>): Promise<void> {
  return new Promise((resolve) => clock.afterPoll(resolve));
}
