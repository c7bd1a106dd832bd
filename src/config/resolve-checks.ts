import { probeOf } from '../../checks/index.ts';
import { familyOf } from '../core/address.ts';
import type { Check, Target } from '../core/config.ts';
import { type CheckEntry, probeOptions, type Timing, type TimingOverrides } from './check-schema.ts';
import { type Context, type Problems, present } from './context.ts';
import { refuseDuplicates } from './duplicates.ts';
import type { Path } from './issue.ts';
import { didYouMean } from './nearest.ts';

/** A check but for its target: what the servers that share it have in common. */
export interface CheckPlan {
  readonly check: Omit<Check, 'target'>;
  readonly needsPort: boolean;
  /** Where it is used. */
  readonly path: Path;
}

/** The plans of a list of checks and names of checks. A check's own timing goes before that of its service. */
export function planChecks(
  list: readonly (string | CheckEntry | undefined)[],
  timing: TimingOverrides,
  path: Path,
  context: Context,
): readonly CheckPlan[] {
  const named = present(list, path).flatMap(({ value, path }) => {
    if (typeof value !== 'string') return [{ entry: value, name: value.name, path }];
    const entry = findCheck(value, path, context);
    return entry === undefined ? [] : [{ entry, name: entry.name ?? value, path }];
  });
  const given = named.flatMap(({ name, path }) => (name === undefined ? [] : [{ key: name, path }]));
  refuseDuplicates(given, context.problems, 'check name');
  const taken = new Set(given.map(({ key }) => key));
  return named.map(({ entry, name, path }) => plan(entry, name ?? freeName(entry.type, taken), timing, path, context));
}

/** What a service without `checks` has. */
export function defaultPlan(timing: TimingOverrides, path: Path, context: Context): readonly CheckPlan[] {
  const type = 'tcp';
  const options = probeOf(type)?.options.parse({});
  return [plan({ ...options, type }, type, timing, path, context)];
}

/** The check of one server. */
export function aim({ check, needsPort, path }: CheckPlan, server: Target, problems: Problems): Check {
  const port = needsPort ? (portOption(check.options) ?? server.port) : 0;
  if (needsPort && port === 0) {
    problems.add(
      path,
      `a check of type ${check.type} needs a port and the server has none: write its port, such as port: 80`,
    );
  }
  const { source } = check.options;
  if (typeof source === 'string' && familyOf(source) !== familyOf(server.address)) {
    problems.add(
      path,
      `source ${source} cannot be that of a check of ${server.address}, an address of the other family`,
    );
  }
  return { ...check, target: { address: server.address, port } };
}

/** Undefined without a report: the check is in the file and has a mistake. */
function findCheck(name: string, path: Path, { checks, problems }: Context): CheckEntry | undefined {
  if (Object.hasOwn(checks, name)) return checks[name];
  problems.add(path, `unknown check '${name}'${didYouMean(name, Object.keys(checks))}`);
  return undefined;
}

function plan(entry: CheckEntry, name: string, service: TimingOverrides, path: Path, context: Context): CheckPlan {
  const pick = <Key extends keyof Timing>(key: Key): Timing[Key] =>
    (entry[key] ?? service[key] ?? context.defaults.check[key]) as Timing[Key];
  return {
    check: {
      name,
      type: entry.type,
      options: probeOptions(entry),
      intervalMs: pick('interval'),
      timeoutMs: pick('timeout'),
      retryIntervalMs: pick('retry_interval'),
      fall: pick('fall'),
      rise: pick('rise'),
      jitter: pick('jitter'),
      isWatched: entry.watch === true,
    },
    needsPort: probeOf(entry.type)?.needsPort ?? false,
    path,
  };
}

/** The type, or the first of `tcp-2`, `tcp-3` that nobody has. */
function freeName(type: string, taken: Set<string>): string {
  let name = type;
  for (let number = 2; taken.has(name); number += 1) name = `${type}-${number}`;
  taken.add(name);
  return name;
}

function portOption(options: Readonly<Record<string, unknown>>): number | undefined {
  return typeof options.port === 'number' ? options.port : undefined;
}
