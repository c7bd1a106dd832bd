import type { Check, Config, Server, Service } from '../core/config.ts';
import type { CheckRef } from '../core/event.ts';
import { type Decision, decide, type ServerStatus } from '../core/fleet.ts';
import { type CheckHealth, combine, type Health, initialHealth } from '../core/health.ts';
import type { Override } from '../core/override.ts';
import { type ServerRow, serverKey, serviceKey, type Table, type TableServer } from '../core/table.ts';
import type { Run } from './timed-run.ts';

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
  readonly foundWeight: number | undefined;
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
  last: Run | undefined;
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

/**
 * The roster of a configuration. What the one before knew of the same service, server or check goes on, as the same
 * entry where the configuration of the service or server is the same object; a server that is new starts `up` if the
 * kernel's table has it with a weight.
 */
export function createRoster(config: Config, before: Roster, table: Table): Roster {
  const byKey = new Map([...before.values()].map((entry) => [serviceKey(entry.config.identity), entry]));
  const kept = new Set(config.services.map(({ identity }) => serviceKey(identity)));
  const moved = (name: string) => {
    const entry = before.get(name);
    return entry !== undefined && kept.has(serviceKey(entry.config.identity)) ? undefined : entry;
  };
  return new Map(
    config.services.map((service) => {
      const previous = byKey.get(serviceKey(service.identity)) ?? moved(service.name);
      return [service.name, createService(service, previous, table)];
    }),
  );
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

function createService(config: Service, previous: ServiceEntry | undefined, table: Table): ServiceEntry {
  if (previous?.config === config) return previous;
  const rows = table.get(serviceKey(config.identity))?.servers ?? new Map<string, TableServer>();
  const known = new Map(previous?.servers.map((entry) => [entry.key, entry]));
  const create = (isFallback: boolean) => (server: Server) => {
    const key = serverKey(server);
    const before = known.get(key);
    const isSame =
      before?.config === server && before.isFallback === isFallback && previous?.config.name === config.name;
    if (isSame) return before;
    const foundWeight = previous === undefined ? rows.get(key)?.weight : before?.foundWeight;
    return createServer(config.name, server, isFallback, before, foundWeight);
  };
  const servers = [...config.servers.map(create(false)), ...config.fallbackServers.map(create(true))];
  return {
    config,
    servers,
    leaving: leavingRows(config, servers, previous, rows),
    decision: previous?.decision ?? nothingDecided,
    announced: previous?.announced,
  };
}

function createServer(
  service: string,
  config: Server,
  isFallback: boolean,
  previous: ServerEntry | undefined,
  foundWeight: number | undefined,
): ServerEntry {
  const key = serverKey(config);
  const health = previous?.health ?? (foundWeight !== undefined && foundWeight > 0 ? 'up' : 'unknown');
  const before = previous?.checks ?? [];
  const checks = config.checks.map((check): CheckEntry => {
    const unchanged = before.find((entry) => entry.check === check && entry.ref.service === service);
    if (unchanged !== undefined) return unchanged;
    const ref = { service, server: key, check: check.name, type: check.type };
    const same = before.filter((entry) => runKey(entry.check) === runKey(check));
    const namesake = (entry: CheckEntry) => entry.check.name === check.name;
    const twin = same.find(namesake) ?? same[0];
    if (twin !== undefined) return { ...twin, ref, check };
    const isObserved = previous?.checks.every((entry) => entry.isObserved) ?? false;
    return {
      ref,
      check,
      state: initialHealth(before.find(namesake)?.state.health ?? health),
      isObserved,
      last: undefined,
    };
  });
  return {
    key,
    config,
    isFallback,
    checks,
    foundWeight,
    health: previous === undefined ? healthOf(checks) : health,
    override: previous?.override,
    isDrained: previous?.isDrained ?? false,
    lastChangeAtMs: previous?.lastChangeAtMs,
  };
}

/** Servers that were taken out of the file, where servers are quiesced rather than removed: they drain first. */
function leavingRows(
  { onFailure }: Service,
  servers: readonly ServerEntry[],
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
