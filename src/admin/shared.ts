import type { Clock } from '../run/clock.ts';

export interface Shared<T> {
  get(): Promise<T>;
  /** Lets go of what is kept. */
  clear(): void;
}

/** Produces once for all who ask at the same time, and for those who ask within `keepMs` after it is done. */
export function createShared<T>(
  produce: () => Promise<T>,
  keepMs: number,
  clock: Pick<Clock, 'now' | 'at'>,
): Shared<T> {
  let current: Promise<T> | undefined;
  let cancelDrop = () => {};

  const drop = () => {
    current = undefined;
  };
  const start = () => {
    const mine = produce();
    current = mine;
    const keep = () => {
      if (current === mine) cancelDrop = clock.at(clock.now() + keepMs, drop);
    };
    mine.then(keep, () => {
      if (current === mine) drop();
    });
    return mine;
  };
  return {
    get: () => current ?? start(),
    clear: () => {
      cancelDrop();
      drop();
    },
  };
}
