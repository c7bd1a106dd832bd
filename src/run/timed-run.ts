import type { RunResult } from '../core/event.ts';
import type { Clock } from './clock.ts';
import { ManualDeadline } from './deadline.ts';

/** What came of a run, and how long it took. */
export interface Run {
  readonly result: RunResult;
  readonly durationMs: number;
}

/** How long a probe may take to settle once its deadline has passed. */
const graceMs = 1000;
/** How often a deadline is moved by the time that we lost; a loop that is always late must still judge. */
const extensions = 3;

/**
 * The runs that have the same time limit: they reach it in the order in which they began, so that one timer will do. They
 * are a list that leads through themselves, not a `Set`: what that has let go of, its old tables keep alive for as long
 * as they are not collected.
 */
export class Limit {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #first: TimedRun | undefined;
  #last: TimedRun | undefined;
  /** Their time is up, or was extended; they have timers of their own. */
  readonly #overdue = new Set<TimedRun>();
  #cancel = () => {};

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  begin(ended: (run: Run) => void): TimedRun {
    const run = new TimedRun(this.#clock, this, this.#timeoutMs, ended);
    run.before = this.#last;
    if (this.#last === undefined) this.#first = run;
    else this.#last.after = run;
    this.#last = run;
    if (this.#first === run) this.#arm(run);
    return run;
  }

  end(run: TimedRun): void {
    if (this.#overdue.delete(run)) return;
    this.#unlink(run);
    if (this.#first === undefined) this.#cancel();
  }

  stop(): void {
    const runs = [...this.#overdue];
    for (let run = this.#first; run !== undefined; run = run.after) runs.push(run);
    for (const run of runs) run.stop();
  }

  #unlink(run: TimedRun): void {
    if (run.before === undefined) this.#first = run.after;
    else run.before.after = run.after;
    if (run.after === undefined) this.#last = run.before;
    else run.after.before = run.before;
    run.before = undefined;
    run.after = undefined;
  }

  #arm(first: TimedRun): void {
    this.#cancel = this.#clock.at(first.dueMs, () => this.#judge());
  }

  #judge(): void {
    const nowMs = this.#clock.now();
    for (let run = this.#first; run !== undefined; run = this.#first) {
      if (run.dueMs > nowMs) {
        this.#arm(run);
        return;
      }
      this.#unlink(run);
      this.#overdue.add(run);
      run.judge();
    }
  }
}

/** The deadline of a run, which passes when its time is up; the run is given up when it does not end then. */
export class TimedRun extends ManualDeadline {
  readonly dueMs: number;
  /** Its neighbours in the list of its limit. */
  before: TimedRun | undefined = undefined;
  after: TimedRun | undefined = undefined;
  readonly #clock: Clock;
  readonly #limit: Limit;
  readonly #timeoutMs: number;
  readonly #ended: (run: Run) => void;
  readonly #startMs: number;
  readonly #stalledBefore: number;
  #grantedMs = 0;
  #granted = 0;
  #hasEnded = false;
  #cancel: (() => void) | undefined = undefined;

  constructor(clock: Clock, limit: Limit, timeoutMs: number, ended: (run: Run) => void) {
    super();
    this.#clock = clock;
    this.#limit = limit;
    this.#timeoutMs = timeoutMs;
    this.#ended = ended;
    this.#startMs = clock.now();
    this.dueMs = this.#startMs + timeoutMs;
    this.#stalledBefore = clock.stalledMs();
  }

  /** Ends the run; what comes later is nobody's. */
  settle(result: RunResult): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#cancel?.();
    this.#limit.end(this);
    this.#ended({ result: this.#excuse(result), durationMs: this.#clock.now() - this.#startMs });
  }

  stop(): void {
    this.pass();
    this.settle(inconclusive('ECANCELED', 'The agent is stopping'));
  }

  /** Its time is up, unless this process has lost some of it. */
  judge(): void {
    const owedMs = this.#clock.stalledMs() - this.#stalledBefore - this.#grantedMs;
    if (owedMs > 0 && this.#granted < extensions) {
      this.#granted += 1;
      this.#grantedMs += owedMs;
      this.#wait(Math.min(owedMs, this.#timeoutMs), () => this.judge());
      return;
    }
    this.#clock.afterPoll(() => this.#expire());
  }

  #expire(): void {
    if (this.#hasEnded) return;
    const overrun = inconclusive('ETIMEDOUT', 'The probe did not end when its time was up');
    this.#wait(graceMs, () => this.settle(overrun));
    this.pass();
  }

  #wait(delayMs: number, then: () => void): void {
    this.#cancel = this.#clock.at(this.#clock.now() + delayMs, then);
  }

  /** A failure seen across a stall of ours may be our own: a server hangs up on a client that does not speak. */
  #excuse(result: RunResult): RunResult {
    if (result.kind !== 'observation' || result.observation.pass) return result;
    const lostMs = this.#lostMs();
    if (lostMs < this.#timeoutMs / 2) return result;
    return inconclusive('STALLED', `This process did not run for ${Math.round(lostMs)} ms during the check`);
  }

  /** How much of its time this process has lost; 0 once all extensions are spent: there is no more excuse. */
  #lostMs(): number {
    return this.#granted === extensions ? 0 : this.#clock.stalledMs() - this.#stalledBefore;
  }
}

/** `code` is an errno name, or says as briefly what was wrong. */
export function inconclusive(code: string, message: string): RunResult {
  return { kind: 'inconclusive', inconclusive: { code, message } };
}
