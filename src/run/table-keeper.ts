import { applyOps } from '../core/apply.ts';
import { diff, takesAway, withoutEmptying } from '../core/diff.ts';
import { type Drift, findDrift, isNoRepair } from '../core/drift.ts';
import type { AgentEvent } from '../core/event.ts';
import type { Op, OpResult, Table } from '../core/table.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { formatOp } from '../kernel/text/rules.ts';
import { createBackoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import { type Ownership, own } from './ownership.ts';
import { createDriftTeller, createPlanTeller } from './teller.ts';
import { createSlices, type Turns } from './turns.ts';

export interface TableKeeper {
  /**
   * Takes the kernel's table to what is wanted: from what is `read` of it, or from what it was left with, which costs only
   * what changed; then it is read where that does not do. Rejects with `KernelUnavailable`.
   */
  keep(how: { readonly isRead: boolean }): Promise<TablePass>;
  /** The table as last read or written; empty before the first read. */
  lastTable(): Table;
  /** When something that was refused is due again; Infinity: nothing is. */
  nextDueMs(): number;
}

export interface TablePass {
  readonly results: readonly OpResult[];
  /** The table is as it is wanted. */
  readonly isOk: boolean;
}

export interface TableKeeperOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly turns: Turns;
  readonly emit: (event: AgentEvent) => void;
  /** The table that is wanted, and the services of it that wait for first runs: see `withoutEmptying`. */
  readonly desired: () => { readonly table: Table; readonly awaiting: ReadonlySet<string> };
  /** `serviceKey` of services that are ours though the configuration may no longer have them. */
  readonly ownership: Ownership;
  readonly isRepairing: () => boolean;
  readonly isDryRun: boolean;
  /** Called with each table that was read. */
  readonly onRead: (table: Table) => void;
}

/** To encode and to apply them takes some milliseconds. */
const opsAtOnce = 2000;

/** Keeps the kernel's table as it is wanted: read, diff, apply what differs, read again after a refusal. */
export function createTableKeeper(options: TableKeeperOptions): TableKeeper {
  const { kernel, turns, emit, ownership, isRepairing, isDryRun } = options;
  const backoff = createBackoff(options.clock);
  const slices = createSlices(turns, options.clock);
  const tellDrift = createDriftTeller(emit);
  const tellPlan = createPlanTeller(formatOp, (op: Op) => emit({ type: 'op_planned', op }));
  let table: Table = new Map();
  /** `table` is what the kernel has, but for what others have done since. */
  let isKnown = false;
  /** Our rows as we left them; undefined: we do not know what we left. */
  let expected: Table | undefined;

  const keep = async (isRead: boolean): Promise<TablePass> => {
    await turns.next();
    slices.begin();
    if (isRead || !isKnown) {
      await read();
      return pass(true);
    }
    const first = await pass(false);
    if (first.isOk) return first;
    // Somebody else may have been there.
    await read();
    const second = await pass(true);
    return { ...second, results: [...first.results.filter(({ error }) => error === undefined), ...second.results] };
  };

  /** A refusal is final where the table was read before: it is noted, and the table read again. */
  const pass = async (isFinal: boolean): Promise<TablePass> => {
    const { table: desired, awaiting } = options.desired();
    const drifts = expected === undefined ? [] : findDrift(expected, table);
    await slices.pass();
    const ops = diff(desired, table, ownership.owned()).filter(isToBeDone(drifts, desired));
    if (isDryRun) {
      tellPlan(ops);
      return { results: [], isOk: true };
    }
    own(ownership, new Set([...ownership.owned(), ...desired.keys()]));
    await slices.pass();
    const results = await applyInSteps(desired, awaiting, backoff.due(ops, formatOp));
    if (isFinal) {
      backoff.note(results, ({ op }) => formatOp(op));
      if (results.some(({ error }) => error !== undefined)) await read();
    }
    await slices.pass();
    tellDrift(drifts, isRepairing());
    own(ownership, new Set([...ownership.owned()].filter((key) => desired.has(key) || table.has(key))));
    const left = isRepairing() ? table : applyOps(expected ?? table, applied(results));
    expected = new Map([...left].filter(([key]) => desired.has(key)));
    return { results, isOk: applied(results).length === ops.length };
  };

  /** What we left may be there or not; where drift is only reported, that is still what to compare with. */
  const forget = (error: unknown): never => {
    if (isRepairing()) expected = undefined;
    isKnown = false;
    throw error;
  };

  /** What is to be added comes first: nothing is taken away that would then leave its service without a server. */
  const applyInSteps = async (
    desired: Table,
    awaiting: ReadonlySet<string>,
    ops: readonly Op[],
  ): Promise<readonly OpResult[]> => {
    const added = await apply(ops.filter((op) => !takesAway(op)));
    await slices.pass();
    const taking = withoutEmptying(ops.filter(takesAway), table, desired, awaiting);
    await slices.pass();
    return [...added, ...(await apply(taking))];
  };

  const read = async () => {
    table = await kernel.read();
    isKnown = true;
    await slices.pass();
    options.onRead(table);
    await slices.pass();
  };

  const apply = async (ops: readonly Op[]): Promise<readonly OpResult[]> => {
    const results: OpResult[] = [];
    for (let first = 0; first < ops.length; first += opsAtOnce) {
      const part = await kernel.apply(ops.slice(first, first + opsAtOnce));
      await slices.pass();
      table = applyOps(table, applied(part));
      results.push(...part);
    }
    return results;
  };

  /** False for ops that would repair what is only to be reported. */
  const isToBeDone = (drifts: readonly Drift[], desired: Table): ((op: Op) => boolean) => {
    if (isRepairing() || expected === undefined) return () => true;
    return isNoRepair(drifts, diff(desired, expected, ownership.owned()));
  };

  return { keep: ({ isRead }) => keep(isRead).catch(forget), lastTable: () => table, nextDueMs: backoff.nextDueMs };
}

function applied(results: readonly OpResult[]): readonly Op[] {
  return results.flatMap(({ op, error }) => (error === undefined ? [op] : []));
}
