/** Lets the first few of a kind through, and counts the others until their while is over. */
export interface CrowdLimit {
  /** Whether it is among the first few. `takeEnded` is to be called before. */
  admit(kind: string, nowMs: number): boolean;
  /** What was held back of the kinds whose while is over; the next of these kinds are the first again. */
  takeEnded(nowMs: number): readonly { readonly kind: string; readonly heldBack: number }[];
  isIdle(): boolean;
}

export function createCrowdLimit(limit: number, intervalMs: number): CrowdLimit {
  const crowds = new Map<string, { readonly sinceMs: number; count: number }>();
  return {
    admit: (kind, nowMs) => {
      const crowd = crowds.get(kind) ?? { sinceMs: nowMs, count: 0 };
      crowds.set(kind, crowd);
      crowd.count += 1;
      return crowd.count <= limit;
    },
    takeEnded: (nowMs) => {
      // A wall clock that was set back ends them all.
      const ended = [...crowds].filter(([, { sinceMs }]) => nowMs < sinceMs || nowMs - sinceMs >= intervalMs);
      for (const [kind] of ended) crowds.delete(kind);
      return ended.flatMap(([kind, { count }]) => (count > limit ? [{ kind, heldBack: count - limit }] : []));
    },
    isIdle: () => crowds.size === 0,
  };
}
