import { diff } from '../../core/diff.ts';
import {
  daemonKey,
  diffSettings,
  noSettings,
  type SettingOp,
  type Settings,
  type SyncRole,
} from '../../core/settings.ts';
import { type Op, serviceKey, type Table } from '../../core/table.ts';
import { type Kernel, KernelUnavailable } from '../kernel.ts';
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
 * Applies a plan without issues, or nothing of it: where the kernel refuses a part, what it touched is brought back to
 * what it was. Rejects with `KernelUnavailable` as `Kernel.apply` does, having taken back what it could: its message
 * names what is left.
 */
export async function applyPlan(kernel: Kernel, plan: RestorePlan, before: KernelState): Promise<RestoreOutcome> {
  // Until the kernel has answered, each of them may have been made.
  let made = plan.settingOps.map(({ op }) => op);
  const takeBack = () => takeBackAll(kernel, plan, before, made);
  let issues: readonly LineIssue[];
  try {
    const settings = await kernel.applySettings(made);
    made = settings.flatMap(({ op, error }) => (error === undefined ? [op] : []));
    issues = refusalsIn(plan.settingOps, settings, explainSettingRefusal);
    if (issues.length === 0) issues = refusalsIn(plan.ops, await kernel.apply(opsIn(plan)), explainRefusal);
  } catch (error) {
    throw withLeftovers(error, await takeBack());
  }
  return { issues, leftovers: issues.length > 0 ? await takeBack() : [] };
}

function opsIn({ ops }: RestorePlan): readonly Op[] {
  return ops.map(({ op }) => op);
}

function withLeftovers(error: unknown, leftovers: readonly string[]): unknown {
  if (!(error instanceof KernelUnavailable) || leftovers.length === 0) return error;
  const message = `${error.message}. What was applied may be left:\n${leftovers.join('\n')}`;
  return new KernelUnavailable(error.code, message, { cause: error });
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

/** Resolves with what is left: clauses. */
async function takeBackAll(
  kernel: Kernel,
  plan: RestorePlan,
  before: KernelState,
  made: readonly SettingOp[],
): Promise<readonly string[]> {
  try {
    return [...(await takeBackRows(kernel, plan, before)), ...(await takeBackSettings(kernel, made, before))];
  } catch (error) {
    if (!(error instanceof KernelUnavailable)) throw error;
    return [`it could not be taken back: ${error.message}`];
  }
}

/** Leaves alone what the plan does not touch: others may have changed it meanwhile. */
async function takeBackRows(kernel: Kernel, plan: RestorePlan, before: KernelState): Promise<readonly string[]> {
  const touched = new Set(opsIn(plan).map(({ service }) => serviceKey(service.identity)));
  const touchedIn = (table: Table) => new Map([...table].filter(([key]) => touched.has(key)));
  const results = await kernel.apply(diff(touchedIn(before.table), touchedIn(await kernel.read()), touched));
  return results.flatMap(({ op, error }) => (error ? [`ipvsadm ${formatOp(op)}: ${explainRefusal(op, error)}`] : []));
}

/** The same for what was made of the settings. */
async function takeBackSettings(
  kernel: Kernel,
  made: readonly SettingOp[],
  { settings }: KernelState,
): Promise<readonly string[]> {
  if (made.length === 0) return [];
  const touched = new Set<string>(made.map(partOf));
  const wanted: Settings = {
    timeouts: touched.has('timeouts') ? settings.timeouts : noSettings.timeouts,
    daemons: settings.daemons.filter(({ role }) => touched.has(role)),
  };
  const present = await kernel.readSettings();
  const ours = new Set(present.daemons.filter(({ role }) => touched.has(role)).map(daemonKey));
  const results = await kernel.applySettings(diffSettings(wanted, present, ours));
  return results.flatMap(({ op, error }) => (error ? [explainSettingRefusal(op, error)] : []));
}

function partOf(op: SettingOp): 'timeouts' | SyncRole {
  if (op.kind === 'set_timeouts') return 'timeouts';
  return op.kind === 'start_daemon' ? op.daemon.role : op.role;
}
