import { type Probe, Unlearned } from '../../checks/probe.ts';
import type { Check } from '../core/config.ts';
import type { Deadline } from '../core/deadline.ts';
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
  const timers = new Set<RunTimer>();
  return {
    run: (probe, check) =>
      new Promise((resolve) => {
        const startMs = clock.now();
        const end = (result: RunResult) => {
          if (!timers.delete(timer)) return;
          const excused = excuse(result, timer.end(), check.timeoutMs);
          resolve({ result: excused, durationMs: clock.now() - startMs });
        };
        const timer = startTimer(clock, check.timeoutMs, end);
        timers.add(timer);
        void observe(probe, check, timer.deadline).then(end);
      }),
    stop: () => {
      for (const timer of timers) timer.stop();
    },
  };
}

async function observe(probe: Probe, check: Check, deadline: Deadline): Promise<RunResult> {
  try {
    return { kind: 'observation', observation: await probe.run(check.target, check.options, deadline) };
  } catch (error) {
    return inconclusive(...described(error));
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

type RunTimer = ReturnType<typeof startTimer>;

/** Passes the deadline of a run when its time is up, and gives it up with `overrun` when it does not end then. */
function startTimer(clock: Clock, timeoutMs: number, overrun: (result: RunResult) => void) {
  const deadline = new ManualDeadline();
  const stalledBefore = clock.stalledMs();
  let grantedMs = 0;
  let granted = 0;
  let hasEnded = false;
  let cancel = () => {};

  const wait = (delayMs: number, then: () => void) => {
    cancel = clock.at(clock.now() + delayMs, then);
  };
  const judge = () => {
    const owedMs = clock.stalledMs() - stalledBefore - grantedMs;
    if (owedMs > 0 && granted < extensions) {
      granted += 1;
      grantedMs += owedMs;
      wait(Math.min(owedMs, timeoutMs), judge);
      return;
    }
    clock.afterPoll(expire);
  };
  const expire = () => {
    if (hasEnded) return;
    wait(graceMs, () => overrun(inconclusive('ETIMEDOUT', 'The probe did not end when its time was up')));
    deadline.pass();
  };

  wait(timeoutMs, judge);
  return {
    deadline,
    stop: () => {
      deadline.pass();
      overrun(inconclusive('ECANCELED', 'The agent is stopping'));
    },
    /** Returns how much of the run's time this process has lost; 0 once all extensions are spent: no more excuse. */
    end: () => {
      hasEnded = true;
      cancel();
      return granted === extensions ? 0 : clock.stalledMs() - stalledBefore;
    },
  };
}
