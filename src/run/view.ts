import { serverState } from '../core/fleet.ts';
import type { CheckSnapshot, ServerSnapshot, ServiceSnapshot } from '../core/snapshot.ts';
import { serviceKey, type Table, type TableService } from '../core/table.ts';
import type { CheckEntry, ServerEntry, ServiceEntry } from './roster.ts';

/** A service as those see it who look: what is decided beside what the kernel has. */
export function snapshotService({ config, servers, decision }: ServiceEntry, kernel: Table): ServiceSnapshot {
  const actual = kernel.get(serviceKey(config.identity));
  return {
    service: config,
    decision,
    traffic: actual?.traffic,
    servers: servers.map((server) => snapshotServer(server, decision.rows.get(server.key)?.weight, actual)),
  };
}

function snapshotServer(entry: ServerEntry, desired: number | undefined, actual?: TableService): ServerSnapshot {
  const row = actual?.servers.get(entry.key);
  return {
    key: entry.key,
    isFallback: entry.isFallback,
    health: entry.health,
    state: serverState(entry),
    lastChangeAtMs: entry.lastChangeAtMs,
    weight: { configured: entry.config.weight, desired, kernel: row?.weight },
    connections: row?.connections,
    checks: entry.checks.map(snapshotCheck),
  };
}

/** Field by field: a spread takes five times as long, and there are thousands. */
function snapshotCheck({ ref, state, last }: CheckEntry): CheckSnapshot {
  const { service, server, check, type } = ref;
  return { service, server, check, type, health: state.health, last: last?.view() };
}
