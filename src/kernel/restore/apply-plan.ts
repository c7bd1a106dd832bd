import { diff } from '../../core/diff.ts';
import type { SettingOp, Settings } from '../../core/settings.ts';
import { serviceKey, type Table } from '../../core/table.ts';
import type { Kernel } from '../kernel.ts';
import type { LineIssue } from '../text/parse-rules.ts';
import { explainRefusal, explainSettingRefusal } from '../text/refusals.ts';
import { formatOp } from '../text/rules.ts';
import type { KernelState, RestorePlan, Step } from './plan.ts';

/** What came of a plan. */
export interface RestoreOutcome {
  /** What the kernel refused. Nothing is left of the plan then, but for what `leftovers` names. */
  readonly issues: readonly LineIssue[];
  /** What could not be taken back: clauses. */
  readonly leftovers: readonly string[];
}

/**
 * Applies a plan without issues, or nothing of it: where the kernel refuses a part, the services that it touched are
 * brought back to what they were. Rejects with `KernelUnavailable` as `Kernel.apply` does, having taken back what it could.
 */
export async function applyPlan(kernel: Kernel, plan: RestorePlan, before: KernelState): Promise<RestoreOutcome> {
  const settings = await kernel.applySettings(plan.settingOps.map(({ op }) => op));
  const done = settings.flatMap(({ op, error }) => (error === undefined ? [op] : []));
  const takeBack = () => takeBackAll(kernel, plan, before, done);
  const refused = refusalsIn(plan.settingOps, settings, explainSettingRefusal);
  const issues = refused.length > 0 ? refused : await applyTable(kernel, plan, takeBack);
  return { issues, leftovers: issues.length > 0 ? await takeBack() : [] };
}

async function applyTable(
  kernel: Kernel,
  { ops }: RestorePlan,
  takeBack: () => Promise<unknown>,
): Promise<readonly LineIssue[]> {
  try {
    return refusalsIn(ops, await kernel.apply(ops.map(({ op }) => op)), explainRefusal);
  } catch (error) {
    await takeBack();
    throw error;
  }
}

/** The results are those of the steps, in their order. */
function refusalsIn<T>(
  steps: readonly Step<T>[],
  results: readonly { readonly error?: string }[],
  explain: (op: T, errno: string) => string,
): readonly LineIssue[] {
  return steps.flatMap(({ line, op }, index) => {
    const error = results[index]?.error;
    return error === undefined ? [] : [{ line, message: explain(op, error) }];
  });
}

/** Leaves alone what the plan does not touch: others may have changed it meanwhile. */
async function takeBackAll(
  kernel: Kernel,
  { ops }: RestorePlan,
  before: KernelState,
  settingOps: readonly SettingOp[],
): Promise<readonly string[]> {
  const touched = new Set(ops.map(({ op }) => serviceKey(op.service.identity)));
  const touchedIn = (table: Table) => new Map([...table].filter(([key]) => touched.has(key)));
  const rows = await kernel.apply(diff(touchedIn(before.table), touchedIn(await kernel.read()), touched));
  const settings = await kernel.applySettings([...settingOps].reverse().map((op) => inverse(op, before.settings)));
  return [
    ...rows.flatMap(({ op, error }) => (error ? [`ipvsadm ${formatOp(op)}: ${explainRefusal(op, error)}`] : [])),
    ...settings.flatMap(({ op, error }) => (error ? [explainSettingRefusal(op, error)] : [])),
  ];
}

function inverse(op: SettingOp, { timeouts, daemons }: Settings): SettingOp {
  if (op.kind === 'set_timeouts') return { kind: 'set_timeouts', timeouts };
  if (op.kind === 'start_daemon') return { kind: 'stop_daemon', role: op.daemon.role };
  const daemon = daemons.find(({ role }) => role === op.role);
  return daemon ? { kind: 'start_daemon', daemon } : op;
}
