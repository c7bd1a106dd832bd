import { type Probe, Unlearned } from '../../checks/probe.ts';
import type { Check } from '../core/config.ts';
import type { RunResult } from '../core/event.ts';
import type { Clock } from './clock.ts';

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
  const deadlines = new Set<Deadline>();
  return {
    run: async (probe, check) => {
      const startMs = clock.now();
      const stalledBefore = clock.stalledMs();
      const deadline = armDeadline(clock, check.timeoutMs);
      deadlines.add(deadline);
      const result = await Promise.race([observe(probe, check, deadline.signal), deadline.overrun]);
      deadline.disarm();
      deadlines.delete(deadline);
      const lostMs = deadline.isFinal() ? 0 : clock.stalledMs() - stalledBefore;
      return { result: excuse(result, lostMs, check.timeoutMs), durationMs: clock.now() - startMs };
    },
    stop: () => {
      for (const deadline of deadlines) deadline.stop();
    },
  };
}

async function observe(probe: Probe, check: Check, signal: AbortSignal): Promise<RunResult> {
  try {
    return { kind: 'observation', observation: await probe.run(check.target, check.options, signal) };
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

type Deadline = ReturnType<typeof armDeadline>;

function armDeadline(clock: Clock, timeoutMs: number) {
  const abort = new AbortController();
  const stalledBefore = clock.stalledMs();
  let grantedMs = 0;
  let granted = 0;
  let cancel = () => {};
  let isDisarmed = false;
  let overran: (result: RunResult) => void;
  const overrun = new Promise<RunResult>((resolve) => {
    overran = resolve;
  });

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
    if (isDisarmed) return;
    wait(graceMs, () => overran(inconclusive('ETIMEDOUT', 'The probe did not end when its time was up')));
    abort.abort();
  };

  wait(timeoutMs, judge);
  return {
    signal: abort.signal,
    overrun,
    /** True once all extensions are spent: there is no more excuse. */
    isFinal: () => granted === extensions,
    stop: () => {
      abort.abort();
      overran(inconclusive('ECANCELED', 'The agent is stopping'));
    },
    disarm: () => {
      isDisarmed = true;
      cancel();
    },
  };
}
