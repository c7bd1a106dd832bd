import { type AgentEvent, type ReconcileTrigger, reconcileTriggers } from '../core/event.ts';
import { KernelUnavailable } from '../kernel/kernel.ts';
import type { Clock } from './clock.ts';
import type { SettingsKeeper } from './settings-keeper.ts';
import type { TableKeeper, TablePass } from './table-keeper.ts';

export interface Reconciler {
  /** Asks for a run soon; what is asked while one is under way is done by one more. */
  request(trigger: ReconcileTrigger): void;
  /** Resolves after a run that began after this call; false when it did not wholly succeed. */
  reconcile(trigger: ReconcileTrigger): Promise<boolean>;
  isKernelUp(): boolean;
  stop(): Promise<void>;
}

export interface ReconcilerOptions {
  readonly tableKeeper: TableKeeper;
  readonly settingsKeeper: SettingsKeeper;
  readonly clock: Clock;
  readonly emit: (event: AgentEvent) => void;
  readonly intervalMs: () => number;
  readonly onDone: (isOk: boolean) => void;
}

interface Run extends TablePass {
  /** It was not the kernel that failed. */
  readonly isKernelUp: boolean;
}

/** The least time between two readings of the table that changes of ours bring about. */
const readRestMs = 1000;
/** Where a reading takes long, there is so many times as long before the next: thousands of servers may change in turn. */
const readRestShare = 4;
/** How soon to ask again for a kernel that did not answer. */
const retryMs = 1000;

/** Keeps the kernel as it is wanted: at every request, every interval, and when what it refused is due again. */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { tableKeeper, settingsKeeper, clock, emit } = options;
  let trouble: string | undefined;
  let settingsTrouble: string | undefined;
  let asked = new Set<ReconcileTrigger>();
  let running: Promise<boolean> | undefined;
  let next: Promise<boolean> | undefined;
  let cancelTimer = () => {};
  let isStopped = false;
  let restedAtMs = Number.NEGATIVE_INFINITY;
  /** Our own changes are written at once, to what we last left there; what others have done is looked for behind them. */
  let readDueMs = Number.POSITIVE_INFINITY;

  const runOnce = async (): Promise<boolean> => {
    const trigger = reconcileTriggers.find((name) => asked.has(name)) ?? 'timer';
    const startMs = clock.now();
    const isRead = asked.has('startup') || asked.has('timer') || startMs >= readDueMs;
    asked = new Set();
    const { results, isOk, isKernelUp } = await keepAll(isRead).catch(giveUp);
    if (isKernelUp) noteKernel(undefined);
    if (isOk) settingsTrouble = undefined;
    emit({ type: 'reconciled', trigger, isOk, durationMs: clock.now() - startMs, results });
    if (isRead) restedAtMs = clock.now() + Math.max(readRestMs, readRestShare * (clock.now() - startMs));
    readDueMs = isRead ? Number.POSITIVE_INFINITY : Math.max(clock.now(), restedAtMs);
    options.onDone(isOk);
    return isOk;
  };

  /** The table first: traffic depends on it. */
  const keepAll = async (isRead: boolean): Promise<Run> => {
    const { results, isOk } = await tableKeeper.keep({ isRead });
    const areSettingsKept = await settingsKeeper.keep().catch(giveUpSettings);
    return { results, isOk: isOk && areSettingsKept, isKernelUp: true };
  };

  /** What was done to the table is done, and told. */
  const giveUpSettings = (error: unknown): boolean => {
    if (!(error instanceof KernelUnavailable)) throw error;
    if (error.code !== settingsTrouble) {
      const message = `Cannot keep timeouts and synchronisation daemons: ${error.message}`;
      emit({ type: 'agent_warning', code: error.code, message });
    }
    settingsTrouble = error.code;
    return false;
  };

  const giveUp = (error: unknown): Run => {
    if (!(error instanceof KernelUnavailable)) throw error;
    noteKernel(error);
    return { results: [], isOk: false, isKernelUp: false };
  };

  const noteKernel = (error: KernelUnavailable | undefined) => {
    if (error === undefined && trouble !== undefined) emit({ type: 'ipvs_recovered' });
    if (error !== undefined && error.code !== trouble) {
      emit({ type: 'ipvs_unreachable', code: error.code, message: error.message });
    }
    trouble = error?.code;
  };

  const schedule = () => {
    cancelTimer();
    if (isStopped) return;
    const intervalMs = options.intervalMs();
    const nextMs =
      trouble === undefined
        ? Math.min(clock.now() + intervalMs, readDueMs, tableKeeper.nextDueMs(), settingsKeeper.nextDueMs())
        : clock.now() + Math.min(intervalMs, retryMs);
    cancelTimer = clock.at(nextMs, () => request(nextMs === readDueMs ? 'transition' : 'timer'));
  };

  const start = (): Promise<boolean> => {
    // Not at once: what a run decides as it begins may ask for another, which is to find this one under way.
    running = Promise.resolve()
      .then(runOnce)
      .finally(() => {
        running = undefined;
        if (next === undefined) schedule();
      });
    return running;
  };

  const reconcile = (trigger: ReconcileTrigger): Promise<boolean> => {
    asked.add(trigger);
    next ??= (running ?? Promise.resolve()).then(
      () =>
        new Promise((resolve) => {
          clock.afterPoll(() => {
            next = undefined;
            resolve(start());
          });
        }),
    );
    return next;
  };

  const request = (trigger: ReconcileTrigger) => {
    if (!isStopped) void reconcile(trigger);
  };

  return {
    request,
    reconcile,
    isKernelUp: () => trouble === undefined,
    stop: async () => {
      isStopped = true;
      cancelTimer();
      await next;
      await running;
    },
  };
}
