import { applyOp, openTable } from '../../core/apply.ts';
import { applySettingOps, type SettingOp, type Settings } from '../../core/settings.ts';
import { type Op, type ServiceIdentity, serviceKey, type Table } from '../../core/table.ts';
import { refusal, refusalOfSetting } from '../rehearsal.ts';
import type { LineIssue, NumberedRule, Rule } from '../text/parse-rules.ts';
import { explainRefusal, explainSettingRefusal } from '../text/refusals.ts';
import { opsOf } from './rule-ops.ts';

/** What a kernel holds. */
export interface KernelState {
  readonly table: Table;
  readonly settings: Settings;
}

/** What rules come to on a kernel in a certain state. */
export interface RestorePlan {
  readonly ops: readonly Step<Op>[];
  readonly settingOps: readonly Step<SettingOp>[];
  /** Counters to be set to zero when all else is done, of services that are there by then. */
  readonly zeros: readonly Zero[];
  /** What the kernel would refuse. */
  readonly issues: readonly LineIssue[];
}

/** A change, and the line that asks for it. */
export interface Step<T> {
  readonly line: number;
  readonly op: T;
}

/** A line that asks for counters to be set to zero. */
export interface Zero {
  readonly line: number;
  /** The service that they are of; undefined: all. */
  readonly identity: ServiceIdentity | undefined;
}

/** Rehearses the rules, in their order, on what the kernel holds. */
export function planRestore(rules: readonly NumberedRule[], before: KernelState): RestorePlan {
  const table = openTable(before.table);
  let { settings } = before;
  const [ops, settingOps]: [Step<Op>[], Step<SettingOp>[]] = [[], []];
  const zeros: Zero[] = [];
  const issues: LineIssue[] = [];

  function rehearse(line: number, op: Op): void {
    const errno = refusal(table, op);
    if (errno !== undefined) return void issues.push({ line, message: explainRefusal(op, errno) });
    applyOp(table, op);
    ops.push({ line, op });
  }

  function rehearseSetting(line: number, op: SettingOp): void {
    const errno = refusalOfSetting(settings, op);
    if (errno !== undefined) return void issues.push({ line, message: explainSettingRefusal(op, errno) });
    settings = applySettingOps(settings, [op]);
    settingOps.push({ line, op });
  }

  function rehearseZero({ line, identity }: Zero): void {
    if (identity === undefined || table.has(serviceKey(identity))) zeros.push({ line, identity });
    else issues.push({ line, message: `there is no service ${serviceKey(identity)}` });
  }

  for (const { line, rule } of rules) {
    if (rule.kind === 'zero') rehearseZero({ line, identity: rule.identity });
    else if (isSetting(rule)) rehearseSetting(line, rule);
    else for (const op of opsOf(rule, table)) rehearse(line, op);
  }
  return {
    ops,
    settingOps,
    zeros: zeros.filter(({ identity }) => identity === undefined || table.has(serviceKey(identity))),
    issues,
  };
}

function isSetting(rule: Rule): rule is SettingOp {
  return rule.kind === 'set_timeouts' || rule.kind === 'start_daemon' || rule.kind === 'stop_daemon';
}
