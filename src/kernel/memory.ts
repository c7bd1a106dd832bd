import { familyOf } from '../core/address.ts';
import { applyOp, changed, type OpenTable, openTable } from '../core/apply.ts';
import { applySettingOps, type SettingOp, type Settings, type SyncDaemon } from '../core/settings.ts';
import type { Connections, Op, OpResult, ServiceRow, Table, Traffic } from '../core/table.ts';
import type { Kernel, KernelUnavailable } from './kernel.ts';
import { refusal, refusalOfSetting } from './rehearsal.ts';

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
      let results: readonly OpResult[] = [];
      kernel.table = changed(kernel.table, ops, (open) => {
        results = ops.map((op) => applyAsKernel(open, op));
      });
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
  const error = refusal(table, op, isKnown);
  if (error !== undefined) return { op, error };
  applyOp(table, op);
  return { op };
}

function asTaken(op: SettingOp): SettingOp {
  return op.kind === 'start_daemon' ? { ...op, daemon: { ...op.daemon, maxLength: lengthTaken(op.daemon) } } : op;
}

/** start_sync_thread(), as on an interface with an MTU of 1500: that, less the headers of IP and UDP. */
function lengthTaken({ role, group, maxLength }: SyncDaemon): number {
  if (maxLength === 0) return 1500 - (familyOf(group) === 'ipv6' ? 48 : 28);
  return role === 'backup' ? Math.max(maxLength, 1024) : maxLength;
}

function isKnown({ scheduler, persistence }: ServiceRow): boolean {
  return knownSchedulers.has(scheduler) && (persistence?.engine ?? 'sip') === 'sip';
}
