import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { Probe } from '../../checks/probe.ts';
import type { Target } from '../../src/core/config.ts';
import type { Deadline } from '../../src/core/deadline.ts';
import type { Observation } from '../../src/core/observation.ts';
import { ManualDeadline } from '../../src/run/deadline.ts';

/** Runs a probe with the options as an operator writes them. Without a signal nothing ends it. */
export function runOf(
  probe: Probe,
  target: Target,
  options: Readonly<Record<string, unknown>> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Observation> {
  return probe.run(target, probe.options.parse(options), deadlineOf(signal));
}

/** A deadline that passes when the signal aborts. */
function deadlineOf(signal: AbortSignal): Deadline {
  const deadline = new ManualDeadline();
  if (signal.aborted) deadline.pass();
  signal.addEventListener('abort', () => deadline.pass());
  return deadline;
}

/** What a promise came to within one turn of the event loop; undefined: nothing yet. */
export function atOnce<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  return Promise.race([promise, turn(undefined)]);
}

/**
 * The sockets, pipes and child processes that this process holds, as the kernel names them; less one spare socket of each
 * family, which runs one after the other leave to the engine: no table of the kernel lists a socket without a connection.
 */
export function heldResources(): ReadonlySet<string> {
  const descriptors = readdirSync('/proc/self/fd')
    .map(targetOf)
    .filter((name) => /^(socket|pipe):/.test(name));
  const spare = new Set(
    unlisted(descriptors)
      .filter((name) => !unlistedBefore.has(name))
      .slice(0, 2),
  );
  const children = readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return new Set([...descriptors.filter((name) => !spare.has(name)), ...children.map((pid) => `process:${pid}`)]);
}

/** What this process has come to hold beside `before` and does not let go within a second. */
export async function leftSince(before: ReadonlySet<string>): Promise<readonly string[]> {
  const left = () => [...heldResources()].filter((name) => !before.has(name));
  for (let tries = 0; tries < 100 && left().length > 0; tries += 1) await pause(10);
  return left();
}

/** Sockets that no table of the kernel has. */
function unlisted(names: readonly string[]): readonly string[] {
  const kinds = ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6', 'icmp', 'icmp6', 'unix', 'netlink'];
  const tables = kinds.map((kind) => readFileSync(`/proc/net/${kind}`, 'utf8')).join('');
  const isListed = (name: string) => new RegExp(` ${/\d+/.exec(name)}\\s`).test(tables);
  return names.filter((name) => name.startsWith('socket:') && !isListed(name));
}

function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    // The descriptor that the directory was read by.
    return '';
  }
}

/** Those that were here before any run. */
const unlistedBefore = new Set(unlisted(readdirSync('/proc/self/fd').map(targetOf)));
