import { familyOf } from './address.ts';
import type { SettingOp } from './settings.ts';
import { type Op, type ServiceRow, serviceFamily } from './table.ts';

/** What the kernel means by refusing an op with the name of an errno; undefined where there is no more to say. */
export function reasonForOp(op: Op, error: string): string | undefined {
  // ip_vs_add_service() and ip_vs_edit_service() answer so when no module can be loaded for a name.
  if (error === 'ENOENT' && (op.kind === 'add_service' || op.kind === 'edit_service')) return lack(op.service);
  if (error === 'EINVAL' && isOfOtherFamily(op)) {
    return 'it takes a server of the other family by tunnel alone, and none beside a sync daemon';
  }
  return undefined;
}

/** As `reasonForOp`. */
export function reasonForSettingOp(op: SettingOp, error: string): string | undefined {
  if (op.kind !== 'start_daemon') return undefined;
  if (error === 'ENODEV') return `there is no interface ${op.daemon.interface}`;
  // ip_vs_genl_new_daemon(): connections between families cannot be told.
  return error === 'EINVAL' ? 'it starts none beside servers of the other family than their service' : undefined;
}

function lack({ scheduler, persistence }: ServiceRow): string {
  const engine = persistence?.engine === undefined ? '' : `, or no persistence engine ${persistence.engine}`;
  return `it has no scheduler ${scheduler}${engine}`;
}

function isOfOtherFamily(op: Op): boolean {
  return 'server' in op && familyOf(op.server.address) !== serviceFamily(op.service.identity);
}
