import { readFileSync } from 'node:fs';

/** Runs in flight at most, however many descriptors there are: beyond so many the wait would be for the processor. */
export const mostRuns = 2000;
/**
 * What logs, listeners, the kernel and Node itself have open. Spare sockets of the engine are among the runs: they are as
 * many as runs had at once by TCP and by HTTP. While checks of other types need as many, they take what idle connections
 * have not.
 */
const others = 64;
const fewestRuns = 16;

/** Descriptors are shared out: half of all for idle connections, the other half, less what others need, for runs. */
export function shareDescriptors(limit: number = descriptorLimit()): { readonly runs: number; readonly idle: number } {
  const half = Math.floor(limit / 2);
  return { runs: Math.max(fewestRuns, Math.min(mostRuns, half - others)), idle: half };
}

/** The limit with which `shareDescriptors` has enough for so many runs at once, as far as any has, and idle connections. */
export function descriptorsFor(runs: number, idle: number): number {
  return 2 * Math.max(Math.min(mostRuns, runs) + others, idle);
}

/** The soft limit of this process, which Node raises to the hard one at its start. */
function descriptorLimit(): number {
  const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
}
