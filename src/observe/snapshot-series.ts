import { setImmediate } from 'node:timers/promises';
import type { ServiceSnapshot, Snapshot } from '../core/snapshot.ts';
import type { Emit, Family } from './exposition.ts';
import { type MetricName, metricNames } from './metric-table.ts';
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
  const write = {
    service: writerOf<ServiceRow>(serviceMetrics, families),
    server: writerOf<ServerRow>(serverMetrics, families),
    check: writerOf<CheckRow>(checkMetrics, families),
  };
  writerOf<Snapshot | undefined>(agentMetrics, families)(snapshot);
  let seen = 0;
  for (const now of snapshot?.services ?? []) {
    const { service } = now;
    const counted = counts.service(service.name);
    if (counted) write.service({ ...counted, now });
    for (const rows of serversOf(now, counts)) {
      if (rows !== undefined) write.server(rows.server);
      for (const check of rows?.checks ?? []) write.check(check);
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
      return counted === undefined ? [] : [{ ...counted, now: check }];
    });
    yield { server: { ...counted, now, config, service }, checks };
  }
}

interface ServerRows {
  readonly server: ServerRow;
  readonly checks: readonly CheckRow[];
}

/** Writes one row to each family that is wanted. */
function writerOf<Row>(
  metrics: Partial<Record<MetricName, (row: Row, emit: Emit) => void>>,
  families: Families,
): (row: Row) => void {
  const writes = metricNames.flatMap((name) => {
    const [write, family] = [metrics[name], families.get(name)];
    return write && family ? [{ write, emit: family.emit }] : [];
  });
  return (row) => {
    for (const { write, emit } of writes) write(row, emit);
  };
}
