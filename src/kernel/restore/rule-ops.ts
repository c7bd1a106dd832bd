import type { SettingOp } from '../../core/settings.ts';
import { type Op, serverKey, serviceKey, type Table } from '../../core/table.ts';
import { bareServer, bareService } from '../bare-rows.ts';
import type { Rule } from '../text/parse-rules.ts';

/** A rule that is about rows. */
type TableRule = Exclude<Rule, SettingOp | { readonly kind: 'zero' }>;

/** The ops of a rule on the table as it is by then; what is not there is for the rehearsal to find out. */
export function opsOf(rule: TableRule, table: Table): readonly Op[] {
  if (rule.kind === 'clear') return [...table.values()].map((service) => ({ kind: 'del_service', service }));
  if (rule.kind === 'add_service') return [rule];
  const identity = rule.kind === 'edit_service' ? rule.service.identity : rule.identity;
  const service = table.get(serviceKey(identity));
  const named = service ?? bareService(identity);
  if (rule.kind === 'edit_service') return [{ ...rule, from: named }];
  if (rule.kind === 'del_service') return [{ kind: 'del_service', service: named }];
  const from = service?.servers.get(serverKey(rule.server)) ?? bareServer(rule.server);
  if (rule.kind === 'del_server') return [{ kind: 'del_server', service: named, server: from }];
  if (rule.kind === 'add_server') return [{ kind: 'add_server', service: named, server: rule.server }];
  return [{ kind: 'edit_server', service: named, server: rule.server, from }];
}
