import type { Probe } from '../checks/probe.ts';
import type { Check, Config, Service } from './core/config.ts';
import { awaiting, desired } from './core/desired.ts';
import type { AgentEvent } from './core/event.ts';
import { share } from './core/share.ts';
import type { Snapshot } from './core/snapshot.ts';
import type { Table } from './core/table.ts';
import { type Kernel, KernelUnavailable } from './kernel/kernel.ts';
import { engineFault, engineName } from './net/engine.ts';
import type { Clock } from './run/clock.ts';
import type { IdleConnections } from './run/idle.ts';
import { createMonitor } from './run/monitor.ts';
import type { Ownerships } from './run/ownership.ts';
import { createReconciler } from './run/reconciler.ts';
import { removeOurs } from './run/removal.ts';
import { createRunner } from './run/runner.ts';
import { createScheduler } from './run/scheduler.ts';
import { createSettingsKeeper } from './run/settings-keeper.ts';
import { createTableKeeper } from './run/table-keeper.ts';
import type { Run } from './run/timed-run.ts';
import { createTurns } from './run/turns.ts';
import { createWatcher } from './run/watcher.ts';
import { createWindows } from './run/windows.ts';

export interface Agent {
  /** Reads the table, adopts what is in it, and starts to probe. Rejects with `KernelUnavailable`. */
  start(): Promise<void>;
  /** Takes a new configuration into force; what did not change in it goes on undisturbed. Resolves when it is in force. */
  reload(config: Config): Promise<void>;
  /** Takes note that a configuration was refused: the old one stays. */
  rejectConfig(issues: readonly string[]): void;
  /** Resolves when every check has come to a verdict and the kernel has what follows from it; true: all of it. */
  settle(): Promise<boolean>;
  /** Reads the table anew for those who look, unless that was done within the last second. */
  refresh(): Promise<void>;
  snapshot(): Snapshot;
  /** The services of the snapshot. */
  services(): readonly Service[];
  /** Ends every loop. */
  stop(cause: string): Promise<void>;
  /** Takes our services out of the table and stops our daemons; to be called when stopped. */
  removeOurs(): Promise<void>;
}

export interface AgentOptions {
  readonly version: string;
  readonly config: Config;
  readonly kernel: Kernel;
  readonly probeOf: (type: string) => Probe;
  readonly ownership: Ownerships;
  readonly isDryRun: boolean;
  readonly connections: IdleConnections;
  readonly clock: Clock;
  /** Runs in flight at most. */
  readonly runLimit: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly emit: (event: AgentEvent) => void;
}

/** How old a table may be that is shown. */
const freshMs = 1000;

/** The agent: the order in which its loops start, reload and stop. */
export function createAgent(options: AgentOptions): Agent {
  const { kernel, clock, connections, random, emit, ownership, isDryRun, probeOf } = options;
  const runner = createRunner(clock);
  /** With thousands of servers each step takes as long as may pass between two looks at the sockets. */
  const turns = createTurns(clock);
  /** Loaded before the first run is due: that takes milliseconds. */
  const engine = engineName();
  let isStopping = false;
  let config = options.config;
  let configLoadedAtMs = clock.wallNow();
  let isConfigCurrent = true;
  /** What follows from the configuration in force was decided. */
  let isDecided = false;
  /** The first run of the reconciler, which does all that was decided before, was asked for. */
  let hasBegun = false;
  let isReady = false;
  /** Every check had been run when the last run of the reconciler began. */
  let areVerdictsIn = false;
  let unseen: Set<string> = new Set();
  let shown: { readonly table: Table; readonly atMs: number } = { table: new Map(), atMs: 0 };
  let onSettled: (() => void) | undefined;

  const monitor = createMonitor({
    emit,
    clock,
    turns,
    onRows: () => {
      if (hasBegun) reconciler.request('transition');
    },
  });

  const isRepairing = () => config.agent.onDrift === 'repair';

  const tableKeeper = createTableKeeper({
    kernel,
    clock,
    turns,
    emit,
    isDryRun,
    isRepairing,
    ownership: ownership.services,
    desired: () => {
      // What is decided later asks for another run; but nobody is told that we are ready before all is, and behind the last
      // run there is no other.
      areVerdictsIn = unseen.size === 0;
      if (isStopping || !isDecided || (!isReady && areVerdictsIn)) decide();
      const decisions = monitor.decisions();
      return { table: desired(config.services, decisions), awaiting: awaiting(config.services, decisions) };
    },
    onRead: monitor.noteTable,
  });

  const settingsKeeper = createSettingsKeeper({
    kernel,
    clock,
    emit,
    isDryRun,
    isRepairing,
    ownership: ownership.daemons,
    wanted: () => config.settings,
  });

  const reconciler = createReconciler({
    tableKeeper,
    settingsKeeper,
    clock,
    emit,
    intervalMs: () => config.agent.reconcileIntervalMs,
    onDone: (isOk) => {
      // Nobody knows what a kernel has that does not answer.
      show(reconciler.isKernelUp() ? tableKeeper.lastTable() : new Map());
      if (isReady || !isOk || !areVerdictsIn) return;
      isReady = true;
      emit({ type: 'agent_ready' });
    },
  });

  const scheduler = createScheduler({
    clock,
    random,
    limit: options.runLimit,
    run: (key, check, lagMs, ended) =>
      runner.run(probeOf(check.type), check, (run) => ended(!isStopping && record(key, check, run, lagMs))),
  });

  /** True while a check is contested. */
  const record = (key: string, { isWatched }: Check, run: Run, lagMs: number) => {
    const isContested = monitor.record(key, run, lagMs);
    if (isWatched) watcher.note(key, run.result);
    if (unseen.size > 0 && unseen.delete(key) && unseen.size === 0 && !isReady) reconciler.request('transition');
    if (onSettled !== undefined && unseen.size === 0 && monitor.hasVerdicts()) onSettled();
    return isContested;
  };

  const watcher = createWatcher({ clock, connections, hasten: scheduler.hasten });

  const windows = createWindows(clock, (open) => {
    monitor.setOverrides(open);
    reconciler.request('override');
  });

  const decide = () => {
    monitor.decide();
    isDecided = true;
  };

  const show = (table: Table) => {
    shown = { table, atMs: clock.now() };
  };

  const takeChecks = () => {
    const checks = monitor.checks();
    release(scheduler.set(checks));
    const unwatched = watcher.set(checks);
    if (unwatched > 0) {
      warn(
        'EMFILE',
        `watch ${unwatched} of the checks: ${connections.limit} descriptors, half of all, are in use for it`,
      );
    }
  };

  const release = (left: readonly Check[]) => {
    for (const { type, target, options } of left) probeOf(type).release?.(target, options);
  };

  const warn = (code: string, what: string) => emit({ type: 'agent_warning', code, message: `Cannot ${what}` });

  return {
    start: async () => {
      const table = await kernel.read();
      show(table);
      emit({ type: 'agent_started', version: options.version, ...sizeOf(config) });
      await monitor.prepare(config);
      monitor.configure(config, table);
      unseen = monitor.unseen();
      await turns.next();
      decide();
      await turns.next();
      windows.set(config.maintenance);
      takeChecks();
      hasBegun = true;
      await reconciler.reconcile('startup');
    },
    reload: async (next) => {
      await turns.next();
      const shared = share(config, next);
      await turns.next();
      await monitor.prepare(shared);
      do await turns.next();
      while (monitor.isTelling());
      config = shared;
      configLoadedAtMs = clock.wallNow();
      isConfigCurrent = true;
      isDecided = false;
      monitor.configure(config, tableKeeper.lastTable());
      unseen = monitor.unseen();
      await turns.next();
      windows.set(config.maintenance);
      await turns.next();
      takeChecks();
      await turns.next();
      // What was decided before is told before.
      decide();
      emit({ type: 'config_reloaded', ...sizeOf(config) });
      reconciler.request('reload');
    },
    rejectConfig: (issues) => {
      isConfigCurrent = false;
      emit({ type: 'config_rejected', issues });
    },
    settle: async () => {
      if (!monitor.hasVerdicts()) await new Promise<void>((resolve) => (onSettled = resolve));
      monitor.decide();
      return reconciler.reconcile('transition');
    },
    refresh: async () => {
      if (clock.now() - shown.atMs < freshMs) return;
      // A kernel that does not answer is for the reconciler to tell.
      await kernel.read().then(show, () => {});
    },
    services: monitor.services,
    snapshot: () => ({
      version: options.version,
      isReady,
      isIpvsUp: reconciler.isKernelUp(),
      isConfigCurrent,
      engine,
      engineFault: engineFault(),
      configLoadedAtMs,
      services: monitor.snapshot(shown.table),
    }),
    stop: async (cause) => {
      emit({ type: 'agent_stopping', cause });
      isStopping = true;
      runner.stop();
      watcher.stop();
      windows.stop();
      release(scheduler.set(new Map()));
      await scheduler.stop();
      // All that is told is also done: the last run takes it to the table.
      monitor.decide();
      await reconciler.stop();
      emit({ type: 'agent_stopped' });
    },
    removeOurs: async () => {
      try {
        for (const { what, error } of await removeOurs(kernel, ownership)) {
          warn(error, `remove ${what}: kernel answered ${error}`);
        }
      } catch (error) {
        if (!(error instanceof KernelUnavailable)) throw error;
        warn(error.code, `remove our services: ${error.message}`);
      }
    },
  };
}

function sizeOf({ services }: Config): { services: number; servers: number } {
  return { services: services.length, servers: services.reduce((sum, { servers }) => sum + servers.length, 0) };
}
