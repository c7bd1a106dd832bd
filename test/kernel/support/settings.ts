import { execFileSync } from 'node:child_process';
import { firstServer, secondServer, vip } from './scene.ts';

export interface Timing {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retryIntervalMs: number;
  readonly fall: number;
  readonly rise: number;
}

/** Short, that the tests are; still long enough for an emulated processor of a busy machine to answer in time. */
export const timing: Timing = { intervalMs: 1000, timeoutMs: 3000, retryIntervalMs: 200, fall: 3, rise: 2 };

export const reconcileIntervalMs = 1000;

/**
 * What an emulated machine with few processors, or a busy one, may add to any time that the configuration implies: one
 * that takes long to start a program takes long for everything.
 */
export const slackMs = Math.max(5000, 5 * timeToStartMs());

/** The handbook's service. `changes` replace its keys. */
export function webService(changes: Readonly<Record<string, unknown>> = {}) {
  const servers = [{ address: firstServer, weight: 2 }, secondServer];
  return { name: 'web', address: `${vip}:80`, checks: [{ type: 'http' }], servers, ...changes };
}

/** A configuration file with these services and short times. `agent` replaces keys of that section. */
export function settings(services: readonly object[], agent: Readonly<Record<string, unknown>> = {}): string {
  const { intervalMs, timeoutMs, retryIntervalMs, fall, rise } = timing;
  const check = {
    interval: `${intervalMs}ms`,
    timeout: `${timeoutMs}ms`,
    retry_interval: `${retryIntervalMs}ms`,
    fall,
    rise,
  };
  // JSON is YAML.
  return JSON.stringify({
    version: 1,
    agent: { reconcile_interval: `${reconcileIntervalMs}ms`, ...agent },
    defaults: { forwarding: 'dr', scheduler: 'wrr', check },
    services,
  });
}

/**
 * How long a server that fails may stay in the table: one interval with its jitter of 10 % passes until a run begins,
 * then come `fall` runs with a retry interval between each, and what the machine adds.
 */
export function leavesWithinMs({ intervalMs, timeoutMs, retryIntervalMs, fall }: Timing): number {
  return intervalMs * 1.1 + (fall - 1) * retryIntervalMs + fall * timeoutMs + slackMs;
}

/** The same for one that recovers, with `rise` passes. The run that sees it fail for the last time may take its time. */
export function returnsWithinMs({ rise, ...rest }: Timing): number {
  return leavesWithinMs({ ...rest, rise, fall: rise }) + rest.timeoutMs;
}

function timeToStartMs(): number {
  const startedMs = performance.now();
  execFileSync(process.execPath, ['-e', '']);
  return performance.now() - startedMs;
}
