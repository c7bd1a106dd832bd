import { type Probe, Unlearned } from '../../checks/probe.ts';
import type { Check } from '../core/config.ts';
import type { RunResult } from '../core/event.ts';
import type { Clock } from './clock.ts';
import { inconclusive, Limit, TimedRun } from './timed-run.ts';

export interface Run {
  readonly result: RunResult;
  readonly durationMs: number;
}

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
  const limits = new Map<number, Limit>();

  const limitOf = (timeoutMs: number): Limit => {
    const limit = limits.get(timeoutMs) ?? new Limit(clock);
    limits.set(timeoutMs, limit);
    return limit;
  };

  return {
    run: (probe, check) =>
      new Promise((resolve) => {
        const limit = limitOf(check.timeoutMs);
        const run = new TimedRun(clock, check.timeoutMs, (result) => {
          if (!limit.remove(run)) return;
          run.end();
          resolve({ result: excuse(result, run.lostMs(), check.timeoutMs), durationMs: clock.now() - run.startMs });
        });
        limit.add(run);
        observe(probe, check, run);
      }),
    stop: () => {
      for (const limit of limits.values()) limit.stop();
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

function described(error: unknown): [code: string, message: string] {
  if (error instanceof Unlearned) return [error.code, error.message];
  return ['EPROBE', `The probe failed in a way it should not: ${error instanceof Error ? error.stack : error}`];
}
