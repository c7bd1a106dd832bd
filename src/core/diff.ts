import { applyOps } from './apply.ts';
import { type Op, type OpKind, sameServer, sameService, serviceKey, type Table, type TableService } from './table.ts';

/**
 * The ops that take `actual` to `desired`. Services that are not in `desired` are deleted if `owned` names them, and
 * otherwise left alone. The order keeps a served service served after every op: services before their servers, what
 * adds before what takes away.
 */
export function diff(desired: Table, actual: Table, owned: ReadonlySet<string> = new Set()): readonly Op[] {
  const ops: Op[] = [];
  for (const [key, want] of desired) ops.push(...diffService(want, actual.get(key)));
  for (const [key, have] of actual) {
    if (owned.has(key) && !desired.has(key)) ops.push({ kind: 'del_service', service: have });
  }
  return ops.sort((a, b) => rank(a) - rank(b));
}

/** Whether an op takes a server out of rotation, or a service out of the table. `diff` puts these last. */
export function takesAway(op: Op): boolean {
  return rank(op) >= firstThatTakesAway;
}

/**
 * The ops that take away, less those on services that would be left without a server in rotation though `table` has one:
 * where `desired` wants one, but what was to stand in was refused, and where first runs are awaited.
 */
export function withoutEmptying(
  taking: readonly Op[],
  table: Table,
  desired: Table,
  awaiting: ReadonlySet<string>,
): readonly Op[] {
  const after = applyOps(table, taking);
  const isMeantToServe = (key: string) => awaiting.has(key) || isServed(desired.get(key));
  const isEmptied = (key: string) => isServed(table.get(key)) && !isServed(after.get(key)) && isMeantToServe(key);
  const emptied = new Set([...new Set(taking.map(keyOf))].filter(isEmptied));
  return emptied.size === 0 ? taking : taking.filter((op) => !emptied.has(keyOf(op)));
}

function keyOf(op: Op): string {
  return serviceKey(op.service.identity);
}

function isServed(service: TableService | undefined): boolean {
  for (const { weight } of service?.servers.values() ?? []) if (weight > 0) return true;
  return false;
}

/** What was seen to be as it is wanted: of thousands of services few change between two looks. */
const same = new WeakMap<TableService, TableService>();

function diffService(want: TableService, have: TableService | undefined): readonly Op[] {
  if (have !== undefined && same.get(want) === have) return [];
  const ops = compareService(want, have);
  if (have !== undefined && ops.length === 0) same.set(want, have);
  return ops;
}

function compareService(want: TableService, have: TableService | undefined): readonly Op[] {
  const ops: Op[] = [];
  if (have === undefined) ops.push({ kind: 'add_service', service: want });
  else if (!sameService(want, have)) ops.push({ kind: 'edit_service', service: want, from: have });
  for (const [key, server] of want.servers) {
    const from = have?.servers.get(key);
    if (from === undefined) ops.push({ kind: 'add_server', service: want, server });
    else if (!sameServer(server, from)) ops.push({ kind: 'edit_server', service: want, server, from });
  }
  for (const [key, server] of have?.servers ?? []) {
    if (!want.servers.has(key)) ops.push({ kind: 'del_server', service: want, server });
  }
  return ops;
}

const ranks: Record<OpKind, number> = {
  add_service: 0,
  edit_service: 1,
  add_server: 2,
  edit_server: 3,
  del_server: 5,
  del_service: 6,
};

const firstThatTakesAway = 4;

/** An edit that takes a server out of rotation comes after every edit that brings one in. */
function rank(op: Op): number {
  return op.kind === 'edit_server' && op.server.weight === 0 ? firstThatTakesAway : ranks[op.kind];
}
