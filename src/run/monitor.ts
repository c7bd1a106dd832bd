import type { Check, Config, Service } from '../core/config.ts';
import type { CheckRef } from '../core/event.ts';
import type { Decision } from '../core/fleet.ts';
import { isContested, step } from '../core/health.ts';
import type { Observation } from '../core/observation.ts';
import { type ActiveOverride, createOverrideFor } from '../core/override.ts';
import type { ServiceSnapshot } from '../core/snapshot.ts';
import { type Connections, serverKey, serviceKey, type Table } from '../core/table.ts';
import type { Clock } from './clock.ts';
import { createJudge, type JudgeOptions } from './judge.ts';
import { LastRunNote } from './last-run-note.ts';
import {
  type CheckEntry,
  type Draft,
  decisionFor,
  draftRoster,
  finish,
  healthOf,
  type Roster,
  runKey,
  type ServerEntry,
  type ServiceEntry,
  takeOver,
} from './roster.ts';
import type { Run } from './timed-run.ts';
import { createSlices, type Turns } from './turns.ts';
import { snapshotService } from './view.ts';

/** All that is known of the servers' health: takes in configurations, runs and overrides, answers with decisions. */
export interface Monitor {
  /** Does in turns what `configure` would take longest for. */
  prepare(config: Config): Promise<void>;
  /**
   * Takes a configuration into force. `table`, as last read, tells which of its servers are in use already. What follows
   * from it is yet to be decided.
   */
  configure(config: Config, table: Table): void;
  /** What to run, by a key: one check for all that would see the same. */
  checks(): ReadonlyMap<string, Check>;
  /** Takes note of a run. True while a check that it speaks to is contested. */
  record(key: string, run: Run, lagMs: number): boolean;
  /** Takes overrides into force, and decides at once what follows from them. */
  setOverrides(active: readonly ActiveOverride[]): void;
  /** Takes note of what the kernel has: servers that drain are watched until their connections have ended. */
  noteTable(table: Table): void;
  /** Decides at once for all services of which something has changed; else they have their turn one after the other. */
  decide(): void;
  /** What was decided is in force, and not all of it told yet. */
  isTelling(): boolean;
  /** By service name, as last decided. */
  decisions(): ReadonlyMap<string, Decision>;
  /** The keys of `checks` that have not been run yet. */
  unseen(): Set<string>;
  /** Every check has been run, and none is contested. */
  hasVerdicts(): boolean;
  snapshot(kernel: Table): readonly ServiceSnapshot[];
  /** Those of the snapshot. */
  services(): readonly Service[];
}

export interface MonitorOptions extends JudgeOptions {
  readonly clock: Clock;
  readonly turns: Turns;
}

/** One run, and the checks that share it. */
interface SharedRun {
  readonly check: Check;
  readonly subscriptions: readonly Subscription[];
  readonly refs: readonly CheckRef[];
}

interface Subscription {
  readonly service: ServiceEntry;
  readonly server: ServerEntry;
  readonly check: CheckEntry;
}

/** What a configuration brings, but for what is known of its servers. */
interface Plan {
  readonly config: Config;
  readonly draft: Draft;
  readonly runs: ReadonlyMap<string, SharedRun>;
  readonly checks: ReadonlyMap<string, Check>;
}

const nothingShared = { subscriptions: [], refs: [] };

export function createMonitor(options: MonitorOptions): Monitor {
  const { emit, clock, turns } = options;
  const judge = createJudge(options);
  let roster: Roster = new Map();
  let runs: ReadonlyMap<string, SharedRun> = new Map();
  let checks: ReadonlyMap<string, Check> = new Map();
  /** It follows the roster in force: what replaces that clears it. */
  let prepared: Plan | undefined;
  let overrideFor = createOverrideFor([]);

  const note = ({ service, server, check }: Subscription, observation: Observation | undefined) => {
    const isNews = !check.isObserved;
    const { health } = check.state;
    check.isObserved = true;
    if (observation !== undefined) check.state = step(check.state, observation.pass, check.check);
    if (check.state.health !== health) noteHealth(service, server, observation);
    if (isNews) judge.reconsider(service);
  };

  const noteHealth = (service: ServiceEntry, server: ServerEntry, observation?: Observation) => {
    const from = server.health;
    const to = healthOf(server.checks);
    if (from === to) return;
    server.health = to;
    server.lastChangeAtMs = clock.wallNow();
    judge.reconsider(service, { server, from, to, observation });
  };

  const applyOverrides = (service: ServiceEntry) => {
    for (const server of service.servers) {
      const from = server.override;
      const to = overrideFor(server.config);
      if (from === to) continue;
      server.override = to;
      server.isDrained = false;
      const { name } = service.config;
      judge.reconsider(service, { type: 'override_changed', service: name, server: server.key, from, to });
    }
  };

  const finishDrains = (service: ServiceEntry, isBusy: (key: string) => boolean) => {
    const drained = service.servers.filter((s) => s.override === 'drain' && !s.isDrained && !isBusy(s.key));
    const left = service.leaving.map(serverKey).filter((key) => !isBusy(key));
    for (const server of drained) server.isDrained = true;
    if (left.length > 0) {
      service.leaving = service.leaving.filter((row) => isBusy(serverKey(row)));
      judge.reconsider(service);
    }
    for (const server of [...drained.map(({ key }) => key), ...left]) {
      judge.tell(service, { type: 'server_drain_finished', service: service.config.name, server });
    }
  };

  return {
    prepare: async (config) => {
      const slices = createSlices(turns, clock);
      const steps = planFor(config, roster);
      let drafted = steps.next();
      while (!drafted.done) {
        await slices.pass();
        drafted = steps.next();
      }
      prepared = drafted.value;
    },
    configure: (config, table) => {
      judge.decide();
      const before = roster;
      const plan = prepared?.config === config ? prepared : finish(planFor(config, before));
      prepared = undefined;
      roster = takeOver(plan.draft, table);
      ({ runs, checks } = plan);
      for (const [name, service] of roster) {
        if (before.get(name) === service) continue;
        applyOverrides(service);
        judge.reconsider(service);
        for (const server of service.servers) noteHealth(service, server);
        // A service that is found to be up is no news.
        service.announced ??= decisionFor(service).isUp ? 'up' : undefined;
      }
    },
    checks: () => checks,
    record: (key, run, lagMs) => {
      const { subscriptions, refs } = runs.get(key) ?? nothingShared;
      const { result, durationMs } = run;
      emit({ type: 'check_ran', checks: refs, result, durationMs, lagMs });
      const observation = result.kind === 'observation' ? result.observation : undefined;
      let isAnyContested = false;
      for (const subscription of subscriptions) {
        subscription.check.last ??= new LastRunNote();
        subscription.check.last.take(result, durationMs);
        note(subscription, observation);
        isAnyContested ||= isContested(subscription.check.state);
      }
      return isAnyContested;
    },
    setOverrides: (active) => {
      overrideFor = createOverrideFor(active);
      for (const service of roster.values()) applyOverrides(service);
      judge.decideAll();
    },
    noteTable: (table) => {
      for (const service of roster.values()) {
        const rows = table.get(serviceKey(service.config.identity))?.servers;
        const countsInactive = !isByConnection(service);
        finishDrains(service, (key) => isBusy(rows?.get(key)?.connections, countsInactive));
      }
    },
    decide: judge.decide,
    isTelling: judge.isTelling,
    decisions: () => new Map([...roster].map(([name, { decision }]) => [name, decision])),
    unseen: () => {
      const isUnseen = ({ check }: Subscription) => check.last === undefined;
      const unseen = new Set<string>();
      for (const [key, { subscriptions }] of runs) if (subscriptions.some(isUnseen)) unseen.add(key);
      return unseen;
    },
    hasVerdicts: () =>
      [...runs.values()]
        .flatMap(({ subscriptions }) => subscriptions)
        .every(({ check: { last, state } }) => last !== undefined && !isContested(state)),
    services: () => [...roster.values()].map(({ config }) => config),
    snapshot: (kernel) => [...roster.values()].map((service) => snapshotService(service, kernel)),
  };
}

/** Plans, in steps, what leaves all that is in force as it is. */
function* planFor(config: Config, before: Roster): Generator<void, Plan> {
  const draft = yield* draftRoster(config, before);
  const runs = new Map<string, { check: Check; subscriptions: Subscription[]; refs: CheckRef[] }>();
  const checks = new Map<string, Check>();
  for (const service of draft.roster.values()) {
    for (const server of service.servers) {
      for (const check of server.checks) {
        const key = runKey(check.check);
        const run = runs.get(key) ?? { check: check.check, subscriptions: [], refs: [] };
        if (run.refs.length === 0) {
          runs.set(key, run);
          checks.set(key, run.check);
        }
        run.subscriptions.push({ service, server, check });
        run.refs.push(check.ref);
      }
      yield;
    }
  }
  return { config, draft, runs, checks };
}

/** The kernel counts a connection as active while it is established. What goes by UDP never is. */
function isByConnection({ config: { identity } }: ServiceEntry): boolean {
  return identity.kind === 'address' && identity.protocol !== 'udp';
}

function isBusy(connections: Connections | undefined, countsInactive: boolean): boolean {
  if (connections === undefined) return false;
  return connections.active + (countsInactive ? connections.inactive : 0) > 0;
}
