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

/** After so many servers the probes have their turn: with 10,000 the whole would hold them up for half a second. */
const sliceServers = 100;

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
  let seen = 0;
  for (const now of snapshot?.services ?? []) {
    const { name } = now.service;
    const counted = counts.service(name);
    if (counted) writeService?.({ ...counted, labels: labelText(metricTable.lvsd_service_up.labels, [name]), now });
    if (writeServer === undefined && writeCheck === undefined) continue;
    for (const rows of serversOf(now, counts)) {
      if (rows !== undefined) writeServer?.(rows.server);
      for (const check of rows?.checks ?? []) writeCheck?.(check);
      seen += 1;
      if (seen % sliceServers === 0) await setImmediate();
    }
  }
}

function* serversOf({ service, servers }: ServiceSnapshot, counts: SeriesCounts): Generator<ServerRows | undefined> {
  const configs = [...service.servers, ...service.fallbackServers];
  for (const [index, now] of servers.entries()) {
    const config = configs[index];
    const counted = counts.server({ service: service.name, server: now.key });
    if (counted === undefined || config === undefined) {
      yield undefined;
      continue;
    }
    const checks = now.checks.flatMap((check) => {
      const counted = counts.check(check);
      return counted === undefined ? [] : [{ ...counted, labels: checkLabels(check), now: check }];
    });
    const labels = labelText(metricTable.lvsd_server_up.labels, [service.name, now.key]);
    yield { server: { ...counted, labels, now, config, service }, checks };
  }
}

function checkLabels({ service, server, check, type }: CheckSnapshot): string {
  return labelText(metricTable.lvsd_check_up.labels, [service, server, check, type]);
}

interface ServerRows {
  readonly server: ServerRow;
  readonly checks: readonly CheckRow[];
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
