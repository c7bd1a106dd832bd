import { applyOps } from '../core/apply.ts';
import { diff, takesAway, withoutEmptying } from '../core/diff.ts';
import { type Drift, findDrift, rowName, rowNameOfOp } from '../core/drift.ts';
import { type AgentEvent, type ReconcileTrigger, reconcileTriggers } from '../core/event.ts';
import { type Op, type OpResult, serviceKey, type Table } from '../core/table.ts';
import { type Kernel, KernelUnavailable } from '../kernel/kernel.ts';
import { formatOp } from '../kernel/text/rules.ts';
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

interface Pass {
  readonly results: readonly OpResult[];
  /** The table is as it is wanted; undefined: nobody knows. */
  readonly isOk: boolean | undefined;
}

export interface ReconcilerOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly emit: (event: AgentEvent) => void;
  /** The table that is wanted, and the services of it that wait for first runs: see `withoutEmptying`. */
  readonly desired: () => { readonly table: Table; readonly awaiting: ReadonlySet<string> };
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
    const { results, isOk } = await pass().catch(giveUp);
    if (isOk !== undefined) noteKernel(undefined);
    emit({ type: 'reconciled', trigger, isOk: isOk === true, durationMs: clock.now() - startMs, results });
    options.onDone(isOk === true);
    return isOk === true;
  };

  /** What we left may be there or not; in report mode that is still what to compare with. */
  const giveUp = (error: unknown): Pass => {
    if (!(error instanceof KernelUnavailable)) throw error;
    if (settings().onDrift === 'repair') expected = undefined;
    noteKernel(error);
    return { results: [], isOk: undefined };
  };

  const pass = async (): Promise<Pass> => {
    await read();
    const { table: desired, awaiting } = options.desired();
    const drifts = expected === undefined ? [] : findDrift(expected, table);
    own(new Set([...ownership.owned(), ...desired.keys()]));
    const wanted = diff(desired, table, ownership.owned()).filter(isToBeDone(drifts, desired));
    if (isDryRun) return plan(wanted);
    const results = await applyInSteps(desired, awaiting, backoff.due(wanted, formatOp));
    const isOk = applied(results).length === wanted.length;
    if (results.some(({ error }) => error !== undefined)) await read();
    noteDrift(drifts);
    own(new Set([...ownership.owned()].filter((key) => desired.has(key) || table.has(key))));
    const left = settings().onDrift === 'repair' ? table : applyOps(expected ?? table, applied(results));
    expected = new Map([...left].filter(([key]) => desired.has(key)));
    return { results, isOk };
  };

  /** What is to be added comes first: nothing is taken away that would then leave its service without a server. */
  const applyInSteps = async (
    desired: Table,
    awaiting: ReadonlySet<string>,
    ops: readonly Op[],
  ): Promise<readonly OpResult[]> => {
    const added = await apply(ops.filter((op) => !takesAway(op)));
    const taking = ops.filter(takesAway);
    return [...added, ...(await apply(withoutEmptying(taking, table, desired, awaiting)))];
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

  /** Tells of drift: of what is left so only once. */
  const noteDrift = (drifts: readonly Drift[]) => {
    const isRepaired = settings().onDrift === 'repair';
    const news = drifts.filter((drift) => !reported.has(driftName(drift)));
    reported = new Set(isRepaired ? [] : drifts.map(driftName));
    if (news.length > 0) emit({ type: 'drift_found', drifts: news, isRepaired });
  };

  /** False for ops that would repair what is only to be reported. */
  const isToBeDone = (drifts: readonly Drift[], desired: Table): ((op: Op) => boolean) => {
    if (settings().onDrift === 'repair' || expected === undefined) return () => true;
    return isNotRepair(drifts, diff(desired, expected, ownership.owned()));
  };

  const plan = (ops: readonly Op[]): Pass => {
    for (const op of ops) if (!planned.has(formatOp(op))) emit({ type: 'op_planned', op });
    planned = new Set(ops.map(formatOp));
    return { results: [], isOk: true };
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
    const nextMs =
      trouble === undefined
        ? Math.min(clock.now() + intervalMs, backoff.nextDueMs())
        : clock.now() + Math.min(intervalMs, retryMs);
    cancelTimer = clock.at(nextMs, () => request('timer'));
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

/** An op is no repair if it is on a row that nobody changed, or that we want otherwise than we left it in any case. */
function isNotRepair(drifts: readonly Drift[], ours: readonly Op[]): (op: Op) => boolean {
  const drifted = new Set(drifts.map(rowName));
  const lost = new Set(
    drifts.filter(({ kind, server }) => kind === 'missing' && !server).map(({ service }) => service),
  );
  const wanted = new Set(ours.map(rowNameOfOp));
  return (op) => {
    if (lost.has(serviceKey(op.service.identity))) return false;
    return !drifted.has(rowNameOfOp(op)) || wanted.has(rowNameOfOp(op));
  };
}
