import type { Check, Config } from '../core/config.ts';
import type { AgentEvent, RunResult } from '../core/event.ts';
import type { Decision, Rows } from '../core/fleet.ts';
import { type Health, isContested, step } from '../core/health.ts';
import type { Observation } from '../core/observation.ts';
import { type ActiveOverride, overrideFor } from '../core/override.ts';
import type { ServiceSnapshot } from '../core/snapshot.ts';
import { type ServerRow, sameServer, serverKey, serviceKey, type Table } from '../core/table.ts';
import type { Clock } from './clock.ts';
import {
  type CheckEntry,
  createRoster,
  decideFor,
  healthOf,
  type Roster,
  runKey,
  type ServerEntry,
  type ServiceEntry,
} from './roster.ts';
import { snapshotService } from './view.ts';

/** All that is known of the servers' health: takes in configurations, runs and overrides, answers with decisions. */
export interface Monitor {
  /** Takes a configuration into force. `table`, as last read, tells which of its servers are in use already. */
  configure(config: Config, table: Table): void;
  /** What to run, by a key: one check for all that would see the same. */
  checks(): ReadonlyMap<string, Check>;
  /** Takes note of a run. True while a check that it speaks to is contested. */
  record(key: string, run: { result: RunResult; durationMs: number; lagMs: number }): boolean;
  setOverrides(active: readonly ActiveOverride[]): void;
  /** Takes note of what the kernel has: servers that drain are watched until their connections have ended. */
  noteTable(table: Table): void;
  /** By service name. */
  decisions(): ReadonlyMap<string, Decision>;
  /** Every check has been run. */
  isObserved(): boolean;
  /** Every check has been run, and none is contested. */
  isSettled(): boolean;
  snapshot(kernel: Table): readonly ServiceSnapshot[];
}

interface Subscription {
  readonly service: ServiceEntry;
  readonly server: ServerEntry;
  readonly check: CheckEntry;
}

interface Change {
  readonly server: ServerEntry;
  readonly from: Health;
  readonly to: Health;
  readonly observation: Observation | undefined;
}

const nothingDecided: Decision = {
  rows: new Map(),
  isUp: false,
  isSettled: false,
  isFallbackActive: false,
  isFailOpenActive: false,
  serversUp: 0,
};

export interface MonitorOptions {
  readonly emit: (event: AgentEvent) => void;
  /** Called when a decision puts other rows in the table. */
  readonly onRows: () => void;
  readonly clock: Pick<Clock, 'afterPoll' | 'wallNow'>;
}

export function createMonitor({ emit, onRows, clock }: MonitorOptions): Monitor {
  let roster: Roster = new Map();
  let runs: ReadonlyMap<string, readonly Subscription[]> = new Map();
  let overrides: readonly ActiveOverride[] = [];

  /** What waits to be decided anew: all that one poll of the sockets brought is decided at once. */
  let undecided = new Map<ServiceEntry, Change[]>();

  const observe = ({ service, server, check }: Subscription, observation: Observation) => {
    const isNews = !check.isObserved;
    check.state = step(check.state, observation.pass, check.check);
    check.isObserved = true;
    if (server.health !== healthOf(server.checks)) changeServer(service, server, observation);
    else if (isNews) changesOf(service);
  };

  const changeServer = (service: ServiceEntry, server: ServerEntry, observation: Observation | undefined) => {
    const from = server.health;
    server.health = healthOf(server.checks);
    server.lastChangeAtMs = clock.wallNow();
    changesOf(service).push({ server, from, to: server.health, observation });
  };

  const changesOf = (service: ServiceEntry): Change[] => {
    if (undecided.size === 0) clock.afterPoll(decideAll);
    const changes = undecided.get(service) ?? [];
    undecided.set(service, changes);
    return changes;
  };

  const decideAll = () => {
    const services = undecided;
    undecided = new Map();
    for (const [service, changes] of services) decideAnew(service, changes);
  };

  const decideAnew = (service: ServiceEntry, changes: readonly Change[]) => {
    const before = service.decision;
    const after = decideFor(service);
    for (const change of changes) emit({ type: 'server_changed', ...describeChange(service, change, before, after) });
    announce(service, before, after);
  };

  /** Takes a decision into force and tells what it changes. */
  const announce = (entry: ServiceEntry, before: Decision, after: Decision) => {
    const service = entry.config.name;
    const to = after.isUp ? 'up' : 'down';
    entry.decision = after;
    if (!sameRows(before.rows, after.rows)) onRows();
    if ((after.isUp || after.isSettled) && entry.announced !== to) {
      entry.announced = to;
      emit({ type: 'service_changed', service, to, ...counts(entry, after) });
    }
    if (before.isFallbackActive !== after.isFallbackActive) {
      emit({ type: 'fallback_changed', service, isActive: after.isFallbackActive });
    }
    if (before.isFailOpenActive !== after.isFailOpenActive) {
      emit({ type: 'fail_open_changed', service, isActive: after.isFailOpenActive });
    }
  };

  const applyOverride = (service: string, server: ServerEntry) => {
    const from = server.override;
    const to = overrideFor(server.config, overrides);
    if (from === to) return;
    server.override = to;
    server.isDrained = false;
    emit({ type: 'override_changed', service, server: server.key, from, to });
  };

  const finishDrains = (entry: ServiceEntry, isBusy: (key: string) => boolean) => {
    const drained = entry.servers.filter((s) => s.override === 'drain' && !s.isDrained && !isBusy(s.key));
    const left = entry.leaving.map(serverKey).filter((key) => !isBusy(key));
    for (const server of drained) server.isDrained = true;
    if (left.length > 0) {
      entry.leaving = entry.leaving.filter((row) => isBusy(serverKey(row)));
      entry.decision = decideFor(entry);
    }
    for (const server of [...drained.map(({ key }) => key), ...left]) {
      emit({ type: 'server_drain_finished', service: entry.config.name, server });
    }
  };

  const everyCheck = (holds: (check: CheckEntry) => boolean) =>
    [...runs.values()].every((subscriptions) => subscriptions.every(({ check }) => holds(check)));

  return {
    configure: (config, table) => {
      decideAll();
      const before = roster;
      roster = createRoster(config, before, table);
      runs = subscriptionsOf(roster);
      for (const entry of roster.values()) {
        for (const server of entry.servers) applyOverride(entry.config.name, server);
        announce(entry, before.get(entry.config.name)?.decision ?? nothingDecided, decideFor(entry));
        for (const server of entry.servers) {
          if (server.health !== healthOf(server.checks)) changeServer(entry, server, undefined);
        }
      }
      decideAll();
    },
    checks: () => new Map([...runs].flatMap(([key, [first]]) => (first ? [[key, first.check.check]] : []))),
    record: (key, { result, durationMs, lagMs }) => {
      const subscriptions = runs.get(key) ?? [];
      emit({ type: 'check_ran', checks: subscriptions.map(({ check }) => check.ref), result, durationMs, lagMs });
      for (const subscription of subscriptions) {
        subscription.check.last = { result, durationMs };
        if (result.kind === 'observation') observe(subscription, result.observation);
      }
      return subscriptions.some(({ check }) => isContested(check.state));
    },
    setOverrides: (active) => {
      decideAll();
      overrides = active;
      for (const entry of roster.values()) {
        for (const server of entry.servers) applyOverride(entry.config.name, server);
        announce(entry, entry.decision, decideFor(entry));
      }
    },
    noteTable: (table) => {
      for (const entry of roster.values()) {
        const rows = table.get(serviceKey(entry.config.identity))?.servers;
        finishDrains(entry, (key) => (rows?.get(key)?.connections?.active ?? 0) > 0);
      }
    },
    decisions: () => {
      decideAll();
      return new Map([...roster].map(([name, { decision }]) => [name, decision]));
    },
    isObserved: () => everyCheck(({ last }) => last !== undefined),
    isSettled: () => everyCheck(({ last, state }) => last !== undefined && !isContested(state)),
    snapshot: (kernel) => [...roster.values()].map((entry) => snapshotService(entry, kernel)),
  };
}

function subscriptionsOf(roster: Roster): ReadonlyMap<string, readonly Subscription[]> {
  const runs = new Map<string, Subscription[]>();
  for (const service of roster.values()) {
    for (const server of service.servers) {
      for (const check of server.checks) {
        const key = runKey(check.check);
        const sharers = runs.get(key);
        if (sharers === undefined) runs.set(key, [{ service, server, check }]);
        else sharers.push({ service, server, check });
      }
    }
  }
  return runs;
}

function counts({ config }: ServiceEntry, { serversUp }: Decision) {
  return { serversUp, serversTotal: config.servers.length };
}

function sameRows(a: Rows, b: Rows): boolean {
  return a.size === b.size && [...a].every(([key, row]) => isSameRow(row, b.get(key)));
}

function isSameRow(a: ServerRow, b: ServerRow | undefined): boolean {
  return b !== undefined && sameServer(a, b);
}

function describeChange(service: ServiceEntry, { server, ...change }: Change, before: Decision, after: Decision) {
  return {
    service: service.config.name,
    server: server.key,
    address: server.config.address,
    port: server.config.port,
    isFallback: server.isFallback,
    ...change,
    weightFrom: weightIn(before, server.key),
    weightTo: weightIn(after, server.key),
    ...counts(service, after),
  };
}

function weightIn({ rows }: Decision, key: string): number {
  return rows.get(key)?.weight ?? 0;
}
