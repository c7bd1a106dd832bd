import { rowNameOfOp } from '../core/drift.ts';
import { reasonForOp, reasonForSettingOp } from '../core/refusal.ts';
import { type SettingOp, settingName } from '../core/settings.ts';
import type { Op } from '../core/table.ts';
import { formatOp } from '../kernel/text/rules.ts';
import { formatSettingOp } from '../kernel/text/setting-rules.ts';

/** A change of the table or of the settings, as the log tells it. */
export interface Change {
  /** What tells its repeats. */
  readonly key: string;
  /** What it is of. */
  readonly row: string;
  /** As a command line. Costs more than the rest. */
  readonly command: () => string;
  /** What the kernel means by the name of an errno, where that does not tell. */
  readonly reasonFor: (error: string) => string | undefined;
}

export function tableChange(op: Op): Change {
  const row = rowNameOfOp(op);
  return {
    key: `${op.kind} ${row}`,
    row,
    command: () => `ipvsadm ${formatOp(op)}`,
    reasonFor: (error) => reasonForOp(op, error),
  };
}

export function settingChange(op: SettingOp): Change {
  const row = settingName(op);
  return {
    key: `${op.kind} ${row}`,
    row,
    command: () => `ipvsadm ${formatSettingOp(op)}`,
    reasonFor: (error) => reasonForSettingOp(op, error),
  };
}
