import { familyOf } from '../core/address.ts';
import type { SettingOp, Settings } from '../core/settings.ts';
import {
  type Op,
  type ServerRow,
  type ServiceRow,
  serverKey,
  serviceFamily,
  serviceKey,
  type Table,
  type TableService,
} from '../core/table.ts';

/**
 * Why the kernel would refuse an op on this table, as an errno name; undefined where it would not, as far as the table
 * tells: which schedulers and persistence engines it has, only the kernel knows, or `isKnown`. The checks are those of
 * ip_vs_genl_set_cmd() and what it calls (net/netfilter/ipvs/ip_vs_ctl.c), in their order.
 */
export function refusal(table: Table, op: Op, isKnown: (row: ServiceRow) => boolean = () => true): string | undefined {
  const service = table.get(serviceKey(op.service.identity));
  if (op.kind === 'add_service') return service === undefined ? refusalOfService(op.service, isKnown) : 'EEXIST';
  if (service === undefined) return 'ESRCH';
  if (op.kind === 'edit_service') return refusalOfService(op.service, isKnown);
  if (op.kind === 'del_service') return undefined;
  return refusalOfServer(service, op);
}

/** ip_vs_genl_new_daemon() and start_sync_thread() (net/netfilter/ipvs/ip_vs_sync.c). */
export function refusalOfSetting({ daemons }: Settings, op: SettingOp): string | undefined {
  if (op.kind === 'set_timeouts') return undefined;
  const isRunning = daemons.some(({ role }) => role === (op.kind === 'stop_daemon' ? op.role : op.daemon.role));
  if (op.kind === 'start_daemon') return isRunning ? 'EEXIST' : undefined;
  return isRunning ? undefined : 'ESRCH';
}

function refusalOfService(row: ServiceRow, isKnown: (row: ServiceRow) => boolean): string | undefined {
  if (!isKnown(row)) return 'ENOENT';
  const isPrefixWrong = serviceFamily(row.identity) === 'ipv6' && row.persistence?.prefixLength === 0;
  return isPrefixWrong ? 'EINVAL' : undefined;
}

type ServerOp = Extract<Op, { readonly server: ServerRow }>;

function refusalOfServer(service: TableService, { kind, server }: ServerOp): string | undefined {
  const isThere = service.servers.has(serverKey(server));
  if (kind === 'del_server') return isThere ? undefined : 'ENOENT';
  const isMixed = familyOf(server.address) !== serviceFamily(service.identity);
  if (isMixed && server.forwarding !== 'tun') return 'EINVAL';
  if (server.tunnel?.type === 'gue' && server.tunnel.port === 0) return 'EINVAL';
  if (server.upperThreshold >= 2 ** 31) return 'EINVAL';
  if (server.lowerThreshold > server.upperThreshold) return 'ERANGE';
  if (kind === 'edit_server') return isThere ? undefined : 'ENOENT';
  if (isThere) return 'EEXIST';
  return isUnicast(server.address) ? undefined : 'EINVAL';
}

/** Neither unspecified, broadcast, multicast nor link-local of IPv6. What is broadcast on a link only the kernel knows. */
function isUnicast(address: string): boolean {
  if (familyOf(address) === 'ipv6') return !/^(::$|fe[89ab]|ff)/.test(address);
  const first = Number(address.split('.')[0]);
  return (first < 224 || first >= 240) && address !== '0.0.0.0' && address !== '255.255.255.255';
}
