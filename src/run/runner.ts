import { type Probe, Unlearned } from '../../checks/probe.ts';
import type { Check } from '../core/config.ts';
import type { RunResult } from '../core/event.ts';
import type { Clock } from './clock.ts';
import { ManualDeadline } from './deadline.ts';

export interface Run {
  readonly result: RunResult;
  readonly durationMs: number;
}

/** How long a probe may take to settle once its deadline has passed. */
const graceMs = 1000;
/** How often a deadline is moved by the time that we lost; a loop that is always late must still judge. */
const extensions = 3;

export interface Runner {
  /**
   * Runs a check once. The deadline covers the whole run, does not charge the server for time that this process lost,
   * and is judged only after the replies that had arrived were read. Never rejects.
   */
  run(probe: Probe, check: Check): Promise<Run>;
  /** Ends all runs: they are inconclusive. */
  stop(): void;
}

export function createRunner(clock: Clock): Runner {
  const runs = new Set<TimedRun>();
  return {
    run: (probe, check) =>
      new Promise((resolve) => {
        const run = new TimedRun(clock, check.timeoutMs, (result) => {
          if (!runs.delete(run)) return;
          run.end();
          resolve({ result: excuse(result, run.lostMs(), check.timeoutMs), durationMs: clock.now() - run.startMs });
        });
        runs.add(run);
        observe(probe, check, run);
      }),
    stop: () => {
      for (const run of runs) run.stop();
    },
  };
}

/** Without an async function between: a run costs as much as it has promises. */
function observe(probe: Probe, { target, options }: Check, run: TimedRun): void {
  try {
    probe.run(target, options, run).then(
      (observation) => run.settle({ kind: 'observation', observation }),
      (error) => run.settle(inconclusive(...described(error))),
    );
  } catch (error) {
    run.settle(inconclusive(...described(error)));
  }
}

/** A failure seen across a stall of ours may be our own: a server hangs up on a client that does not speak. */
function excuse(result: RunResult, lostMs: number, timeoutMs: number): RunResult {
  if (result.kind !== 'observation' || result.observation.pass || lostMs < timeoutMs / 2) return result;
  return inconclusive('STALLED', `This process did not run for ${Math.round(lostMs)} ms during the check`);
}

function inconclusive(code: string, message: string): RunResult {
  return { kind: 'inconclusive', inconclusive: { code, message } };
}

function described(error: unknown): [code: string, message: string] {
  if (error instanceof Unlearned) return [error.code, error.message];
  return ['EPROBE', `The probe failed in a way it should not: ${error instanceof Error ? error.stack : error}`];
}

/** The deadline of a run, which passes when its time is up; the run is given up when it does not end then. */
class TimedRun extends ManualDeadline {
  readonly startMs: number;
  readonly settle: (result: RunResult) => void;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #stalledBefore: number;
  #grantedMs = 0;
  #granted = 0;
  #hasEnded = false;
  #cancel: () => void;

  constructor(clock: Clock, timeoutMs: number, settle: (result: RunResult) => void) {
    super();
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.settle = settle;
    this.startMs = clock.now();
    this.#stalledBefore = clock.stalledMs();
    this.#cancel = clock.at(this.startMs + timeoutMs, () => this.#judge());
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

  #judge(): void {
    const owedMs = this.#clock.stalledMs() - this.#stalledBefore - this.#grantedMs;
    if (owedMs > 0 && this.#granted < extensions) {
      this.#granted += 1;
      this.#grantedMs += owedMs;
      this.#wait(Math.min(owedMs, this.#timeoutMs), () => this.#judge());
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
