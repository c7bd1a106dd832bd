import type { RunResult } from './event.ts';

export type RunOutcome = 'pass' | 'fail' | 'inconclusive';

/** What came of the last run of a check. */
export interface LastRun {
  readonly outcome: RunOutcome;
  /** HAProxy's reason; of an inconclusive run, an errno name. */
  readonly code: string;
  /** For people. It may quote the server: escape before use. */
  readonly detail: string;
  readonly durationMs: number;
}

export function outcomeOf(result: RunResult): RunOutcome {
  if (result.kind === 'inconclusive') return 'inconclusive';
  return result.observation.pass ? 'pass' : 'fail';
}
