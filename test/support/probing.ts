import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import type { Probe } from '../../checks/probe.ts';
import type { Target } from '../../src/core/config.ts';
import type { Observation } from '../../src/core/observation.ts';

/** Runs a probe with the options as an operator writes them. Without a signal nothing ends it. */
export function runOf(
  probe: Probe,
  target: Target,
  options: Readonly<Record<string, unknown>> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Observation> {
  return probe.run(target, probe.options.parse(options), signal);
}

/** What a promise came to within one turn of the event loop; undefined: nothing yet. */
export function atOnce<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  return Promise.race([promise, turn(undefined)]);
}

/** The sockets, pipes and child processes that this process holds. */
export function heldResources(): readonly string[] {
  return process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Pipe|Process/.test(name)).sort();
}

/** Waits until this process holds no more than it did; returns what it holds after a second all the same. */
export async function releasedTo(before: readonly string[]): Promise<readonly string[]> {
  for (let tries = 0; tries < 100 && heldResources().length > before.length; tries += 1) await pause(10);
  return heldResources();
}
