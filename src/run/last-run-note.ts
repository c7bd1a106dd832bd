import type { RunResult } from '../core/event.ts';
import { type LastRun, outcomeOf, type RunOutcome } from '../core/last-run.ts';

/**
 * The last run of a check, which the next one writes anew. Kept until then, the runs themselves would come to be garbage
 * among V8's old objects: to collect them was a twelfth of what a probe costs.
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

  /** The words of most runs are those of the run before: then the old ones stay. */
  #describe(code: string, detail: string): void {
    this.code = code;
    if (this.detail !== detail) this.detail = detail;
  }
}
