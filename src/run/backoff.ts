import type { Clock } from './clock.ts';

/** Holds back what failed, longer each time: 1 s, 2 s, 4 s … 60 s. */
export interface Backoff {
  /** The items that may be tried now. What is no longer among them is forgotten. */
  due<Item>(items: readonly Item[], name: (item: Item) => string): readonly Item[];
  /** Takes note of what became of items. */
  note<Item extends { readonly error?: string }>(results: readonly Item[], name: (item: Item) => string): void;
  /** When the next of those held back is due; Infinity: none is held back now. */
  nextDueMs(): number;
}

const firstDelayMs = 1000;
const longestDelayMs = 60_000;

export function createBackoff(clock: Clock): Backoff {
  let held = new Map<string, { readonly delayMs: number; readonly dueMs: number }>();

  const hold = (name: string) => {
    const before = held.get(name);
    const delayMs = before === undefined ? firstDelayMs : Math.min(before.delayMs * 2, longestDelayMs);
    held.set(name, { delayMs, dueMs: clock.now() + delayMs });
  };

  return {
    due: (items, name) => {
      if (held.size === 0) return items;
      const current = new Set(items.map(name));
      held = new Map([...held].filter(([key]) => current.has(key)));
      const nowMs = clock.now();
      return items.filter((item) => (held.get(name(item))?.dueMs ?? 0) <= nowMs);
    },
    note: (results, name) => {
      for (const result of results) {
        if (result.error !== undefined) hold(name(result));
        else if (held.size > 0) held.delete(name(result));
      }
    },
    nextDueMs: () => {
      const nowMs = clock.now();
      let nextMs = Number.POSITIVE_INFINITY;
      for (const { dueMs } of held.values()) if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs);
      return nextMs;
    },
  };
}
