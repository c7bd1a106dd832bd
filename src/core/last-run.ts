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

/**
 * One that each run writes anew. The runs themselves, which would last from one to the next, would come to be garbage among
 * V8's old objects: a sixth of what a probe costs was to collect them.
 */
export class LastRunNote implements LastRun {
  outcome: RunOutcome = 'inconclusive';
  code = '';
  detail = '';
  durationMs = 0;

  take(result: RunResult, durationMs: number): void {
    this.outcome = outcomeOf(result);
    this.durationMs = durationMs;
    if (result.kind === 'inconclusive') this.#describe(result.inconclusive.code, result.inconclusive.message);
    else this.#describe(result.observation.reason, result.observation.detail);
  }

  /** As it is now. */
  view(): LastRun {
    const { outcome, code, detail, durationMs } = this;
    return { outcome, code, detail, durationMs };
  }

  /** The words of most runs are those of the run before: of these the old ones stay. */
  #describe(code: string, detail: string): void {
    this.code = code;
    if (this.detail !== detail) this.detail = detail;
  }
}

export function outcomeOf(result: RunResult): RunOutcome {
  if (result.kind === 'inconclusive') return 'inconclusive';
  return result.observation.pass ? 'pass' : 'fail';
}
