import { setImmediate } from 'node:timers/promises';
import type { CheckSnapshot, ServiceSnapshot, Snapshot } from '../core/snapshot.ts';
import { type Emit, type Family, labelText } from './exposition.ts';
import { type MetricName, metricNames, metricTable } from './metric-table.ts';
import type { SeriesCounts } from './series.ts';
import {
  agentMetrics,
  type CheckRow,
  checkMetrics,
  type ServerRow,
  type ServiceRow,
  serverMetrics,
  serviceMetrics,
} from './snapshot-metrics.ts';

/** The families that are wanted, by name. */
export type Families = ReadonlyMap<MetricName, Family>;

/** After so many services and servers the probes have their turn: 10,000 would hold them up for half a second. */
const sliceRows = 100;

/**
 * Writes all series of a snapshot, service by service. What the snapshot has and `counts` has not came or left with a
 * reload meanwhile, and is passed over.
 */
export async function writeSnapshot(
  snapshot: Snapshot | undefined,
  counts: SeriesCounts,
  families: Families,
): Promise<void> {
  const writeService = writerOf<ServiceRow>(serviceMetrics, families);
  const writeServer = writerOf<ServerRow>(serverMetrics, families);
  const writeCheck = writerOf<CheckRow>(checkMetrics, families);
  writerOf<Snapshot | undefined>(agentMetrics, families)?.(snapshot);
  let written = 0;
  const othersHaveTheirTurn = async () => {
    written += 1;
    if (written % sliceRows === 0) await setImmediate();
  };
  for (const now of snapshot?.services ?? []) {
    const { name } = now.service;
    const counted = counts.service(name);
    if (counted) writeService?.({ ...counted, labels: labelText(metricTable.lvsd_service_up.labels, [name]), now });
    await othersHaveTheirTurn();
    if (writeServer === undefined) continue;
    for (const { server, checks } of serversOf(now, counts)) {
      writeServer(server);
      if (writeCheck !== undefined) for (const row of checkRows(checks, counts)) writeCheck(row);
      await othersHaveTheirTurn();
    }
  }
}

interface ServerRows {
  readonly server: ServerRow;
  readonly checks: readonly CheckSnapshot[];
}

function* serversOf({ service, servers }: ServiceSnapshot, counts: SeriesCounts): Generator<ServerRows> {
  const configs = [...service.servers, ...service.fallbackServers];
  for (const [index, now] of servers.entries()) {
    const config = configs[index];
    const counted = counts.server({ service: service.name, server: now.key });
    if (counted === undefined || config === undefined) continue;
    const labels = labelText(metricTable.lvsd_server_up.labels, [service.name, now.key]);
    yield { server: { ...counted, labels, now, config, service }, checks: now.checks };
  }
}

function* checkRows(checks: readonly CheckSnapshot[], counts: SeriesCounts): Generator<CheckRow> {
  for (const now of checks) {
    const counted = counts.check(now);
    if (counted === undefined) continue;
    const { service, server, check, type } = now;
    yield { ...counted, labels: labelText(metricTable.lvsd_check_up.labels, [service, server, check, type]), now };
  }
}

/** Writes one row to each family that is wanted; undefined: none is. */
function writerOf<Row>(
  metrics: Partial<Record<MetricName, (row: Row, emit: Emit) => void>>,
  families: Families,
): ((row: Row) => void) | undefined {
  const writes = metricNames.flatMap((name) => {
    const [write, family] = [metrics[name], families.get(name)];
    return write && family ? [{ write, emit: family.emit }] : [];
  });
  if (writes.length === 0) return undefined;
  return (row) => {
    for (const { write, emit } of writes) write(row, emit);
  };
}
