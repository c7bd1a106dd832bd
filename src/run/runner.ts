import { type Probe, Unlearned } from '../../checks/probe.ts';
import type { Check } from '../core/config.ts';
import type { Clock } from './clock.ts';
import { inconclusive, Limit, type Run, type TimedRun } from './timed-run.ts';

export interface Runner {
  /**
   * Runs a check once, and tells when that has ended. The deadline covers the whole run, does not charge the server for
   * time that this process lost, and is judged only after the replies that had arrived were read. Never throws.
   */
  run(probe: Probe, check: Check, ended: (run: Run) => void): void;
  /** Ends all runs: they are inconclusive. */
  stop(): void;
}

export function createRunner(clock: Clock): Runner {
  const limits = new Map<number, Limit>();

  const limitOf = (timeoutMs: number): Limit => {
    const known = limits.get(timeoutMs);
    if (known !== undefined) return known;
    const limit = new Limit(clock, timeoutMs);
    limits.set(timeoutMs, limit);
    return limit;
  };

  return {
    run: (probe, check, ended) => observe(probe, check, limitOf(check.timeoutMs).begin(ended)),
    stop: () => {
      for (const limit of limits.values()) limit.stop();
    },
  };
}

/** As a promise, for those who do not run thousands in a second. */
export function runOf(runner: Runner, probe: Probe, check: Check): Promise<Run> {
  return new Promise((resolve) => runner.run(probe, check, resolve));
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

function described(error: unknown): [code: string, message: string] {
  if (error instanceof Unlearned) return [error.code, error.message];
  return ['EPROBE', `The probe failed in a way it should not: ${error instanceof Error ? error.stack : error}`];
}
