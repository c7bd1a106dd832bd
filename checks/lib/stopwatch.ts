import type { Phases } from '../../src/core/observation.ts';

/** Measures the phases of one run: each lap ends one and begins the next. */
export interface Stopwatch {
  /** The phases that have ended, in ms. */
  readonly phases: Phases;
  /** Ends a phase. The same may end more than once: what has passed since belongs to it too. */
  lap(phase: string): void;
}

export function stopwatch(): Stopwatch {
  const phases: Record<string, number> = {};
  let lapStart = performance.now();
  return {
    phases,
    lap(phase) {
      const now = performance.now();
      phases[phase] = (phases[phase] ?? 0) + now - lapStart;
      lapStart = now;
    },
  };
}
