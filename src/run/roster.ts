import type { Check, Config, Server, Service } from '../core/config.ts';
import type { CheckRef } from '../core/event.ts';
import { type Decision, decide, type ServerStatus } from '../core/fleet.ts';
import { type CheckHealth, combine, type Health, initialHealth } from '../core/health.ts';
import type { Override } from '../core/override.ts';
import { type ServerRow, serverKey, serviceKey, type Table, type TableServer } from '../core/table.ts';
import type { LastRunNote } from './last-run-note.ts';

/** The services of a configuration with what is known of each, by name. */
export type Roster = ReadonlyMap<string, ServiceEntry>;

export interface ServiceEntry {
  readonly config: Service;
  /** Servers, then fallback servers. */
  readonly servers: readonly ServerEntry[];
  /** Rows that left the configuration and wait, at weight 0, for their connections to end. */
  leaving: readonly ServerRow[];
  decision: Decision;
  /** The state that was last told; undefined: none yet. */
  announced: 'up' | 'down' | undefined;
}

export interface ServerEntry {
  readonly key: string;
  readonly config: Server;
  readonly isFallback: boolean;
  readonly checks: readonly CheckEntry[];
  /** Its weight in the kernel when its service was first taken on; undefined: it was not there. */
  foundWeight: number | undefined;
  health: Health;
  override: Override | undefined;
  /** While it drains: its connections have ended. */
  isDrained: boolean;
  /** Wall clock, ms since the epoch. */
  lastChangeAtMs: number | undefined;
}

export interface CheckEntry {
  readonly ref: CheckRef;
  readonly check: Check;
  state: CheckHealth;
  /** It, or the check that it replaced, has been run. */
  isObserved: boolean;
  /** Checks that share a run may share the note of it. */
  last: LastRunNote | undefined;
}

const nothingDecided: Decision = {
  rows: new Map(),
  isUp: false,
  isSettled: false,
  isFallbackActive: false,
  isFailOpenActive: false,
  serversUp: 0,
};

/** Two checks with the same key see the same: they are run once, and shared. */
export function runKey(check: Check): string {
  const known = runKeys.get(check);
  if (known !== undefined) return known;
  const { type, target, options, intervalMs, timeoutMs, retryIntervalMs, jitter } = check;
  const key = JSON.stringify([type, target, options, intervalMs, timeoutMs, retryIntervalMs, jitter]);
  runKeys.set(check, key);
  return key;
}

const runKeys = new WeakMap<Check, string>();

/** A roster to which only what its servers are known to be at the moment it comes into force has to be added. */
export interface Draft {
  readonly roster: Roster;
  /** The services that are not the same entries as before. */
  readonly changed: readonly ServiceDraft[];
}

interface ServiceDraft {
  readonly entry: ServiceEntry;
  readonly previous: ServiceEntry | undefined;
  /** Of each of its servers, the entry before. */
  readonly previousServers: readonly (ServerEntry | undefined)[];
}

/**
 * Drafts the roster of a configuration, in steps. What the one before has of the same service, server or check stays the
 * same entry where the configuration of the service or server is the same object.
 */
export function* draftRoster(config: Config, before: Roster): Generator<void, Draft> {
  const byKey = new Map([...before.values()].map((entry) => [serviceKey(entry.config.identity), entry]));
  const kept = new Set(config.services.map(({ identity }) => serviceKey(identity)));
  const moved = (name: string) => {
    const entry = before.get(name);
    return entry !== undefined && kept.has(serviceKey(entry.config.identity)) ? undefined : entry;
  };
  const roster = new Map<string, ServiceEntry>();
  const changed: ServiceDraft[] = [];
  for (const service of config.services) {
    const previous = byKey.get(serviceKey(service.identity)) ?? moved(service.name);
    if (previous?.config === service) {
      roster.set(service.name, previous);
      yield;
      continue;
    }
    const draft = yield* draftService(service, previous);
    roster.set(service.name, draft.entry);
    changed.push(draft);
  }
  return { roster, changed };
}

/**
 * Adds to a draft what is known by now: what was learned of a service, server or check goes on; a server that is new starts
 * `up` if the kernel's table has it with a weight.
 */
export function takeOver({ roster, changed }: Draft, table: Table): Roster {
  for (const draft of changed) takeOverService(draft, table);
  return roster;
}

/** Does all the steps that are left. */
export function finish<T>(steps: Generator<void, T>): T {
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

export function healthOf(checks: readonly CheckEntry[]): Health {
  return combine(checks.map(({ state }) => state.health));
}

/** Decides anew for a service as it stands. */
export function decisionFor({ config, servers, decision, leaving }: ServiceEntry): Decision {
  const statuses = servers.map(statusOf);
  const fallbacks = statuses.splice(config.servers.length);
  return decide(config, { servers: statuses, fallbackServers: fallbacks, before: decision, leaving });
}

function* draftService(config: Service, previous: ServiceEntry | undefined): Generator<void, ServiceDraft> {
  const known = new Map(previous?.servers.map((entry) => [entry.key, entry]));
  const servers: ServerEntry[] = [];
  const previousServers: (ServerEntry | undefined)[] = [];
  for (const isFallback of [false, true]) {
    for (const server of isFallback ? config.fallbackServers : config.servers) {
      const key = serverKey(server);
      const before = known.get(key);
      const isSame =
        before?.config === server && before.isFallback === isFallback && previous?.config.name === config.name;
      previousServers.push(before);
      servers.push(isSame ? before : draftServer(config.name, key, server, isFallback, before));
      yield;
    }
  }
  const entry = { config, servers, leaving: [], decision: nothingDecided, announced: undefined };
  return { entry, previous, previousServers };
}

function draftServer(
  service: string,
  key: string,
  config: Server,
  isFallback: boolean,
  previous: ServerEntry | undefined,
): ServerEntry {
  const checks = config.checks.map((check): CheckEntry => {
    const unchanged = previous?.checks.find((entry) => entry.check === check && entry.ref.service === service);
    if (unchanged !== undefined) return unchanged;
    const ref = { service, server: key, check: check.name, type: check.type };
    return { ref, check, state: initialHealth('unknown'), isObserved: false, last: undefined };
  });
  return {
    key,
    config,
    isFallback,
    checks,
    foundWeight: undefined,
    health: 'unknown',
    override: undefined,
    isDrained: false,
    lastChangeAtMs: undefined,
  };
}

function takeOverService({ entry, previous, previousServers }: ServiceDraft, table: Table): void {
  const rows = table.get(serviceKey(entry.config.identity))?.servers ?? new Map<string, TableServer>();
  for (const [index, server] of entry.servers.entries()) {
    const before = previousServers[index];
    if (server === before) continue;
    server.foundWeight = previous === undefined ? rows.get(server.key)?.weight : before?.foundWeight;
    takeOverServer(server, before);
  }
  entry.leaving = leavingRows(entry, previous, rows);
  entry.decision = previous?.decision ?? nothingDecided;
  entry.announced = previous?.announced;
}

function takeOverServer(server: ServerEntry, previous: ServerEntry | undefined): void {
  const { foundWeight } = server;
  const health = previous?.health ?? (foundWeight !== undefined && foundWeight > 0 ? 'up' : 'unknown');
  for (const entry of server.checks) if (!previous?.checks.includes(entry)) takeOverCheck(entry, previous, health);
  server.health = previous === undefined ? healthOf(server.checks) : health;
  server.override = previous?.override;
  server.isDrained = previous?.isDrained ?? false;
  server.lastChangeAtMs = previous?.lastChangeAtMs;
}

function takeOverCheck(entry: CheckEntry, previous: ServerEntry | undefined, health: Health): void {
  const before = previous?.checks ?? [];
  const isNamesake = ({ check }: CheckEntry) => check.name === entry.check.name;
  const same = before.filter(({ check }) => runKey(check) === runKey(entry.check));
  const twin = same.find(isNamesake) ?? same[0];
  entry.state = twin?.state ?? initialHealth(before.find(isNamesake)?.state.health ?? health);
  entry.isObserved = twin?.isObserved ?? previous?.checks.every(({ isObserved }) => isObserved) ?? false;
  entry.last = twin?.last;
}

/** Servers that were taken out of the file, where servers are quiesced rather than removed: they drain first. */
function leavingRows(
  { config: { onFailure }, servers }: ServiceEntry,
  previous: ServiceEntry | undefined,
  rows: ReadonlyMap<string, TableServer>,
): readonly ServerRow[] {
  if (onFailure === 'remove' || previous === undefined) return [];
  const present = new Set(servers.map(({ key }) => key));
  const candidates = [...previous.servers.map(({ key }) => key), ...previous.leaving.map(serverKey)];
  return candidates.flatMap((key) => {
    const row = rows.get(key);
    return row === undefined || present.has(key) ? [] : [{ ...row, weight: 0 }];
  });
}

function statusOf({ health, checks, foundWeight, override }: ServerEntry): ServerStatus {
  return { health, isObserved: checks.every(({ isObserved }) => isObserved), foundWeight, override };
}
