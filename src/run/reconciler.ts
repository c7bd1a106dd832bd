import { applyOps } from '../core/apply.ts';
import { diff } from '../core/diff.ts';
import { type Drift, findDrift, rowName, rowNameOfOp } from '../core/drift.ts';
import { type AgentEvent, type ReconcileTrigger, reconcileTriggers } from '../core/event.ts';
import type { Op, OpResult, Table } from '../core/table.ts';
import { type Kernel, KernelUnavailable } from '../kernel/kernel.ts';
import { formatOp } from '../kernel/rules.ts';
import { createBackoff } from './backoff.ts';
import type { Clock } from './clock.ts';

export interface Reconciler {
  /** Asks for a run soon; what is asked while one is under way is done by one more. */
  request(trigger: ReconcileTrigger): void;
  /** Resolves after a run that began after this call; false when it did not wholly succeed. */
  reconcile(trigger: ReconcileTrigger): Promise<boolean>;
  /** The table as last read or written; empty before the first read. */
  lastTable(): Table;
  isKernelUp(): boolean;
  stop(): Promise<void>;
}

export interface ReconcilerOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly emit: (event: AgentEvent) => void;
  readonly desired: () => Table;
  /** `serviceKey` of services that are ours though the configuration may no longer have them. */
  readonly ownership: Ownership;
  readonly settings: () => { readonly intervalMs: number; readonly onDrift: 'repair' | 'report' };
  readonly isDryRun: boolean;
  /** Called with each table that was read. */
  readonly onRead: (table: Table) => void;
  readonly onDone: (isOk: boolean) => void;
}

/** Which services are ours, remembered beyond this process. */
export interface Ownership {
  owned(): ReadonlySet<string>;
  /** Takes effect before it returns: called ahead of adding and after deleting. */
  replace(keys: ReadonlySet<string>): void;
}

/** How soon to ask again for a kernel that did not answer. */
const retryMs = 1000;

/** Keeps the kernel's table as it is wanted: read, diff, apply what differs, read back after a refusal. */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { kernel, clock, emit, ownership, settings, isDryRun } = options;
  const backoff = createBackoff(clock);
  let table: Table = new Map();
  /** Our rows as we left them; undefined: we do not know what we left. */
  let expected: Table | undefined;
  let reported = new Set<string>();
  let planned = new Set<string>();
  let trouble: string | undefined;
  let asked = new Set<ReconcileTrigger>();
  let running: Promise<boolean> | undefined;
  let next: Promise<boolean> | undefined;
  let cancelTimer = () => {};
  let isStopped = false;

  const runOnce = async (): Promise<boolean> => {
    const trigger = reconcileTriggers.find((name) => asked.has(name)) ?? 'timer';
    asked = new Set();
    const startMs = clock.now();
    let results: readonly OpResult[] = [];
    let isOk = false;
    try {
      results = await pass();
      isOk = results.every(({ error }) => error === undefined);
      noteKernel(undefined);
    } catch (error) {
      if (!(error instanceof KernelUnavailable)) throw error;
      expected = undefined;
      noteKernel(error);
    }
    emit({ type: 'reconciled', trigger, isOk, durationMs: clock.now() - startMs, results });
    options.onDone(isOk);
    return isOk;
  };

  const pass = async (): Promise<readonly OpResult[]> => {
    await read();
    const isLeftAlone = noteDrift();
    const desired = options.desired();
    own(new Set([...ownership.owned(), ...desired.keys()]));
    const ops = diff(desired, table, ownership.owned()).filter((op) => !isLeftAlone(op));
    if (isDryRun) return plan(ops);
    const results = await apply(backoff.due(ops, formatOp));
    if (results.some(({ error }) => error !== undefined)) await read();
    own(new Set([...ownership.owned()].filter((key) => desired.has(key) || table.has(key))));
    const left = settings().onDrift === 'repair' ? table : applyOps(expected ?? table, applied(results));
    expected = new Map([...left].filter(([key]) => desired.has(key)));
    return results;
  };

  const read = async () => {
    table = await kernel.read();
    options.onRead(table);
  };

  const apply = async (ops: readonly Op[]): Promise<readonly OpResult[]> => {
    if (ops.length === 0) return [];
    const results = await kernel.apply(ops);
    for (const { op, error } of results) backoff.note(formatOp(op), error !== undefined);
    table = applyOps(table, applied(results));
    return results;
  };

  const own = (keys: ReadonlySet<string>) => {
    const owned = ownership.owned();
    if (!isDryRun && (keys.size !== owned.size || [...keys].some((key) => !owned.has(key)))) ownership.replace(keys);
  };

  /** Tells of drift once, and returns which ops would repair what is only to be reported. */
  const noteDrift = (): ((op: Op) => boolean) => {
    const drifts = expected === undefined ? [] : findDrift(expected, table);
    const isRepaired = settings().onDrift === 'repair';
    const news = drifts.filter((drift) => !reported.has(driftName(drift)));
    reported = new Set(isRepaired ? [] : drifts.map(driftName));
    if (news.length > 0) emit({ type: 'drift_found', drifts: news, isRepaired });
    if (isRepaired || expected === undefined) return () => false;
    return leftAlone(drifts, diff(options.desired(), expected, ownership.owned()));
  };

  const plan = (ops: readonly Op[]): readonly OpResult[] => {
    for (const op of ops) if (!planned.has(formatOp(op))) emit({ type: 'op_planned', op });
    planned = new Set(ops.map(formatOp));
    return [];
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
    const { intervalMs } = settings();
    const regularMs = clock.now() + (trouble === undefined ? intervalMs : Math.min(intervalMs, retryMs));
    cancelTimer = clock.at(Math.min(regularMs, backoff.nextDueMs()), () => request('timer'));
  };

  const start = (): Promise<boolean> => {
    running = runOnce().finally(() => {
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
    lastTable: () => table,
    isKernelUp: () => trouble === undefined,
    stop: async () => {
      isStopped = true;
      cancelTimer();
      await next;
      await running;
    },
  };
}

function applied(results: readonly OpResult[]): readonly Op[] {
  return results.flatMap(({ op, error }) => (error === undefined ? [op] : []));
}

function driftName(drift: Drift): string {
  return `${drift.kind} ${rowName(drift)}`;
}

/** Drifted rows are left alone, but for those that we want to change from what we left in any case. */
function leftAlone(drifts: readonly Drift[], ours: readonly Op[]): (op: Op) => boolean {
  const drifted = new Set(drifts.map(rowName));
  const wanted = new Set(ours.map(rowNameOfOp));
  return (op) => drifted.has(rowNameOfOp(op)) && !wanted.has(rowNameOfOp(op));
}
