/** Lets something that repeats itself through once in a while, and counts the rest. */
export interface RepeatLimit {
  /**
   * How often the same was held back since it last went through, or undefined: hold it back now. Another `kind` of the
   * same `key` is news, and goes through.
   */
  admit(key: string, kind: string, nowMs: number): number | undefined;
  /** The next of this key is news. */
  forget(key: string): void;
  clear(): void;
  /** There is nothing to forget. */
  isIdle(): boolean;
}

export function createRepeatLimit(intervalMs: number): RepeatLimit {
  const seen = new Map<string, { kind: string; atMs: number; heldBack: number }>();
  return {
    admit: (key, kind, nowMs) => {
      const last = seen.get(key);
      const isRepeat = last?.kind === kind;
      // A wall clock that was set back holds nothing back.
      if (isRepeat && nowMs >= last.atMs && nowMs - last.atMs < intervalMs) {
        last.heldBack += 1;
        return undefined;
      }
      seen.set(key, { kind, atMs: nowMs, heldBack: 0 });
      return isRepeat ? last.heldBack : 0;
    },
    forget: (key) => void seen.delete(key),
    clear: () => seen.clear(),
    isIdle: () => seen.size === 0,
  };
}
