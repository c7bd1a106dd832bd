import { type Op, sameServer, sameService, serverKey, serviceKey, type Table } from './table.ts';

export type DriftKind = 'missing' | 'extra' | 'different';

export const driftKinds = ['missing', 'extra', 'different'] as const satisfies readonly DriftKind[];

/** A row of ours, or a setting, that somebody else changed since we last wrote or read it. */
export interface Drift {
  readonly kind: DriftKind;
  /** `serviceKey`; of a setting, its `settingName`. */
  readonly service: string;
  /** `serverKey`; undefined where the row is the service's own. */
  readonly server: string | undefined;
}

/** The rows in which `actual` is not what we left behind. Services that `expected` does not name are not ours. */
export function findDrift(expected: Table, actual: Table): readonly Drift[] {
  const drifts: Drift[] = [];
  for (const [service, left] of expected) {
    const found = actual.get(service);
    if (found === left) continue;
    if (found === undefined) drifts.push({ kind: 'missing', service, server: undefined });
    else if (!sameService(left, found)) drifts.push({ kind: 'different', service, server: undefined });
    for (const [server, row] of left.servers) {
      const now = found?.servers.get(server);
      if (now === undefined) drifts.push({ kind: 'missing', service, server });
      else if (!sameServer(row, now)) drifts.push({ kind: 'different', service, server });
    }
    for (const server of found?.servers.keys() ?? []) {
      if (!left.servers.has(server)) drifts.push({ kind: 'extra', service, server });
    }
  }
  return drifts;
}

/**
 * Tells an op that is done where drift is only reported from one that would repair it. It is no repair if it is on a row
 * that nobody changed, or that we want otherwise than we left it in any case: `ours` are the ops from there.
 */
export function isNoRepair(drifts: readonly Drift[], ours: readonly Op[]): (op: Op) => boolean {
  const drifted = new Set(drifts.map(rowName));
  const lost = new Set(
    drifts.filter(({ kind, server }) => kind === 'missing' && !server).map(({ service }) => service),
  );
  const wanted = new Set(ours.map(rowNameOfOp));
  return (op) => {
    if (lost.has(serviceKey(op.service.identity))) return false;
    return !drifted.has(rowNameOfOp(op)) || wanted.has(rowNameOfOp(op));
  };
}

/** A text that names the row of a drift or an op: `TCP 192.0.2.1:80` or `TCP 192.0.2.1:80 10.0.0.1:80`. */
export function rowName({
  service,
  server,
}: {
  readonly service: string;
  readonly server: string | undefined;
}): string {
  return server === undefined ? service : `${service} ${server}`;
}

export function rowNameOfOp(op: Op): string {
  const service = serviceKey(op.service.identity);
  return rowName({ service, server: 'server' in op ? serverKey(op.server) : undefined });
}
