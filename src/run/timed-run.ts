import type { RunResult } from '../core/event.ts';
import type { Clock } from './clock.ts';
import { ManualDeadline } from './deadline.ts';

/** How long a probe may take to settle once its deadline has passed. */
const graceMs = 1000;
/** How often a deadline is moved by the time that we lost; a loop that is always late must still judge. */
const extensions = 3;

/** The runs that have the same time limit: they reach it in the order in which they began, so that one timer will do. */
export class Limit {
  readonly #clock: Clock;
  readonly #runs = new Set<TimedRun>();
  /** Their time is up, or was extended; they have timers of their own. */
  readonly #overdue = new Set<TimedRun>();
  #cancel = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(run: TimedRun): void {
    this.#runs.add(run);
    if (this.#runs.size === 1) this.#arm(run);
  }

  /** False: it was removed before. */
  remove(run: TimedRun): boolean {
    if (!this.#runs.delete(run)) return this.#overdue.delete(run);
    if (this.#runs.size === 0) this.#cancel();
    return true;
  }

  stop(): void {
    for (const run of [...this.#runs, ...this.#overdue]) run.stop();
  }

  #arm(first: TimedRun): void {
    this.#cancel = this.#clock.at(first.dueMs, () => this.#judge());
  }

  #judge(): void {
    const nowMs = this.#clock.now();
    for (const run of this.#runs) {
      if (run.dueMs > nowMs) {
        this.#arm(run);
        return;
      }
      this.#runs.delete(run);
      this.#overdue.add(run);
      run.judge();
    }
  }
}

/** The deadline of a run, which passes when its time is up; the run is given up when it does not end then. */
export class TimedRun extends ManualDeadline {
  readonly startMs: number;
  readonly dueMs: number;
  readonly settle: (result: RunResult) => void;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #stalledBefore: number;
  #grantedMs = 0;
  #granted = 0;
  #hasEnded = false;
  #cancel = () => {};

  constructor(clock: Clock, timeoutMs: number, settle: (result: RunResult) => void) {
    super();
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.settle = settle;
    this.startMs = clock.now();
    this.dueMs = this.startMs + timeoutMs;
    this.#stalledBefore = clock.stalledMs();
  }

  stop(): void {
    this.pass();
    this.settle(inconclusive('ECANCELED', 'The agent is stopping'));
  }

  end(): void {
    this.#hasEnded = true;
    this.#cancel();
  }

  /** How much of its time this process has lost; 0 once all extensions are spent: there is no more excuse. */
  lostMs(): number {
    return this.#granted === extensions ? 0 : this.#clock.stalledMs() - this.#stalledBefore;
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
}

/** `code` is an errno name, or says as briefly what was wrong. */
export function inconclusive(code: string, message: string): RunResult {
  return { kind: 'inconclusive', inconclusive: { code, message } };
}
