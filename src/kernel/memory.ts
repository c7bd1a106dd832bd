import { familyOf } from '../core/address.ts';
import { applyOp, type OpenTable, openTable } from '../core/apply.ts';
import { applySettingOps, type SettingOp, type Settings, type SyncDaemon } from '../core/settings.ts';
import {
  type Connections,
  type Op,
  type OpResult,
  type ServerRow,
  type ServiceRow,
  serverKey,
  serviceFamily,
  serviceKey,
  type Table,
  type TableService,
  type Traffic,
} from '../core/table.ts';
import type { Kernel, KernelUnavailable } from './kernel.ts';

/** A table in memory that answers as the kernel does. */
export interface MemoryKernel extends Kernel {
  /** What it holds; set it to play somebody else who changes the kernel's table. */
  table: Table;
  settings: Settings;
  /** While this is set, every call rejects with it. */
  failure: KernelUnavailable | undefined;
}

export function createMemoryKernel(initial: Table = new Map()): MemoryKernel {
  const kernel: MemoryKernel = {
    table: initial,
    settings: { timeouts: { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 }, daemons: [] },
    failure: undefined,
    async read() {
      if (kernel.failure !== undefined) throw kernel.failure;
      return withCounters(kernel.table);
    },
    async apply(ops) {
      if (kernel.failure !== undefined) throw kernel.failure;
      const table = openTable(kernel.table);
      const results = ops.map((op) => applyAsKernel(table, op));
      kernel.table = table;
      return results;
    },
    async readSettings() {
      if (kernel.failure !== undefined) throw kernel.failure;
      return kernel.settings;
    },
    async applySettings(ops) {
      if (kernel.failure !== undefined) throw kernel.failure;
      return ops.map((op) => {
        const error = refusalOfSetting(kernel.settings, op);
        if (error !== undefined) return { op, error };
        kernel.settings = applySettingOps(kernel.settings, [asTaken(op)]);
        return { op };
      });
    },
    async close() {},
  };
  return kernel;
}

const knownSchedulers = new Set('rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh none'.split(' '));
const noTraffic: Traffic = {
  connections: 0,
  incomingPackets: 0,
  outgoingPackets: 0,
  incomingBytes: 0,
  outgoingBytes: 0,
};
const noConnections: Connections = { active: 0, inactive: 0, persistent: 0 };

function withCounters(table: Table): Table {
  const rows = openTable(table);
  for (const [key, service] of rows) {
    rows.set(key, { traffic: noTraffic, ...service });
    for (const [name, server] of service.servers) service.servers.set(name, { connections: noConnections, ...server });
  }
  return rows;
}

function applyAsKernel(table: OpenTable, op: Op): OpResult {
  const error = refusal(table, op);
  if (error !== undefined) return { op, error };
  applyOp(table, op);
  return { op };
}

/** The checks of ip_vs_genl_set_cmd() and what it calls (net/netfilter/ipvs/ip_vs_ctl.c), in their order. */
function refusal(table: Table, op: Op): string | undefined {
  const service = table.get(serviceKey(op.service.identity));
  if (op.kind === 'add_service') return service === undefined ? refusalOfService(op.service) : 'EEXIST';
  if (service === undefined) return 'ESRCH';
  if (op.kind === 'edit_service') return refusalOfService(op.service);
  if (op.kind === 'del_service') return undefined;
  return refusalOfServer(service, op);
}

function refusalOfService({ identity, scheduler, persistence }: ServiceRow): string | undefined {
  if (!knownSchedulers.has(scheduler)) return 'ENOENT';
  if (persistence?.engine !== undefined && persistence.engine !== 'sip') return 'ENOENT';
  const isPrefixWrong = serviceFamily(identity) === 'ipv6' && persistence?.prefixLength === 0;
  return isPrefixWrong ? 'EINVAL' : undefined;
}

/** ip_vs_genl_new_daemon() and start_sync_thread() (net/netfilter/ipvs/ip_vs_sync.c). */
function refusalOfSetting({ daemons }: Settings, op: SettingOp): string | undefined {
  if (op.kind === 'set_timeouts') return undefined;
  const isRunning = daemons.some(({ role }) => role === (op.kind === 'stop_daemon' ? op.role : op.daemon.role));
  if (op.kind === 'start_daemon') return isRunning ? 'EEXIST' : undefined;
  return isRunning ? undefined : 'ESRCH';
}

function asTaken(op: SettingOp): SettingOp {
  return op.kind === 'start_daemon' ? { ...op, daemon: { ...op.daemon, maxLength: lengthTaken(op.daemon) } } : op;
}

/** start_sync_thread(), as on an interface with an MTU of 1500: that, less the headers of IP and UDP. */
function lengthTaken({ role, group, maxLength }: SyncDaemon): number {
  if (maxLength === 0) return 1500 - (familyOf(group) === 'ipv6' ? 48 : 28);
  return role === 'backup' ? Math.max(maxLength, 1024) : maxLength;
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
