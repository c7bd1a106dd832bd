import { parseLinkName } from '../config/addresses.ts';
import { ConfigError } from '../config/issue.ts';
import type { Config } from '../core/config.ts';
import { requireCapability } from '../host/capability.ts';
import { HostError } from '../host/error.ts';
import { createPlaces } from '../host/places.ts';
import { openRecord, type RecordFile, type Role } from '../host/record.ts';
import { bringUp, type Finding, inspect, type Outcome, takeDown } from '../host/runner.ts';
import { formatSetting, type Setting } from '../host/setting.ts';
import { sayWithdrawn } from '../host/withdrawn.ts';
import { Channel, Protocol } from '../kernel/channel.ts';
import { takeLock } from '../run/lock.ts';
import { exitCodes } from './exit.ts';
import { alignColumns } from './output.ts';
import { print } from './print.ts';

export type Verb = 'up' | 'down' | 'status';

/** What one of the two commands brings to a verb. */
export interface HostCommand {
  readonly role: Role;
  /** Where the record is. Rejects with `HostError` or `ConfigError`. */
  stateDir(): Promise<string>;
  /** What is wanted; undefined: what was wanted last. Rejects as `stateDir` does. */
  plan(channel: Channel): Promise<readonly Setting[] | undefined>;
  /** After `up`, with what it has set. Resolves with a sentence for each that could not be announced. */
  announce(settings: readonly Setting[], channel: Channel): Promise<readonly string[]>;
}

/** Where the record is when nobody says. */
export const defaultStateDir = '/var/lib/lvsd';

/** Throws `HostError` where the configuration forbids to remember anything. */
export function requireStateDir({ agent }: Config): string {
  if (agent.stateDir !== undefined) return agent.stateDir;
  const advice = 'agent.state_dir is off: name a directory there, or with --state-dir';
  throw new HostError('badConfig', `Cannot remember what to put back as ${advice}`);
}

/** The name of a link that an option names. Throws `HostError`. */
export function linkNameOf(option: string, text: string): string {
  const parsed = parseLinkName(text);
  if (parsed.ok) return parsed.value;
  throw new HostError('usage', `Cannot take ${option}: ${parsed.reason}`);
}

/** Runs a verb and resolves with the exit code. Results go to stdout, one a line; why not, to stderr. */
export async function runVerb(verb: Verb, command: HostCommand): Promise<number> {
  const channel = new Channel(Protocol.ROUTE);
  const release = verb === 'status' ? () => {} : await takeLock('lvsd-host');
  try {
    if (release === undefined) return sayBusy();
    return await perform[verb](command, channel);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return exitCodes[error.kind];
  } finally {
    await channel.close();
    release?.();
  }
}

type Perform = (command: HostCommand, channel: Channel) => Promise<number>;

const perform: Record<Verb, Perform> = {
  async up(command, channel) {
    const plan = await command.plan(channel);
    if (plan === undefined) throw new HostError('usage', `Cannot tell which addresses are meant: ${advice}`);
    const file = openRecord(await command.stateDir(), command.role);
    requireCapability(`lvsd ${command.role} up`);
    const outcome = await bringUp(plan, createPlaces(channel), file);
    const problems = await command.announce(outcome.set, channel);
    const withdrawn = sayWithdrawn(outcome.undone, plan);
    return report({ ...outcome, problems: [...outcome.problems, ...withdrawn, ...problems] });
  },
  async down(command, channel) {
    requireCapability(`lvsd ${command.role} down`);
    const file = await recordToUndo(command);
    return report(await takeDown(createPlaces(channel), file));
  },
  async status(command, channel) {
    const plan = (await command.plan(channel)) ?? openRecord(await command.stateDir(), command.role).load()?.plan;
    if (plan === undefined)
      throw new HostError('usage', `Cannot tell what to look for as nothing was set up: ${advice}`);
    // nft lists nothing without it.
    if (plan.some(({ kind }) => kind === 'marks')) requireCapability(`lvsd ${command.role} status`);
    const findings = await inspect(plan, createPlaces(channel));
    print(formatFindings(findings));
    return findings.every(({ isSet }) => isSet) ? exitCodes.ok : exitCodes.somethingDown;
  },
};

const advice = 'name them with --vip, or a configuration with -c';

/** A configuration that was broken since `up` does not say where the record is: the usual place has it, or nobody knows. */
async function recordToUndo({ role, stateDir }: HostCommand): Promise<RecordFile> {
  try {
    return openRecord(await stateDir(), role);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const usual = openRecord(defaultStateDir, role);
    if (usual.load() === undefined) throw error;
    process.stderr.write(`${error.message}\nTaking the record at ${usual.path} as the configuration cannot be used\n`);
    return usual;
  }
}

function report({ set, undone, problems, hasFailed }: Outcome): number {
  const rows = [
    ...set.map((setting) => ['set', formatSetting(setting)]),
    ...undone.map((setting) => ['undone', formatSetting(setting)]),
  ];
  print(formatRows(rows));
  process.stderr.write(problems.map((problem) => `${problem}\n`).join(''));
  return hasFailed ? exitCodes.failed : exitCodes.ok;
}

function formatRows(rows: readonly (readonly string[])[]): string {
  return alignColumns(rows)
    .map((line) => `${line}\n`)
    .join('');
}

function formatFindings(findings: readonly Finding[]): string {
  const rows = findings.map(({ setting, isSet, found }) => [
    isSet ? 'set' : 'missing',
    isSet ? formatSetting(setting) : `${formatSetting(setting)}${formatFound(setting, found)}`,
  ]);
  return formatRows(rows);
}

/** ` (it is 0)`, where there is something else. */
function formatFound(setting: Setting, found: Finding['found']): string {
  const value = setting.kind === 'sysctl' ? found[setting.path] : (found.state ?? found.type);
  return value === undefined ? '' : ` (it is ${value})`;
}

function sayBusy(): number {
  process.stderr.write('Cannot start as another lvsd changes this network namespace just now: try again\n');
  return exitCodes.alreadyRunning;
}
