import {
  type Op,
  serverKey,
  serverRow,
  serviceKey,
  serviceRow,
  type Table,
  type TableServer,
  type TableService,
} from './table.ts';

/** A table of one's own, open to change. */
export type OpenTable = Map<string, TableService & { readonly servers: Map<string, TableServer> }>;

/**
 * The table after the ops, all of which succeed. A row that is edited keeps what the kernel counted for it; a service
 * that no op speaks of stays the same object.
 */
export function applyOps(table: Table, ops: readonly Op[]): Table {
  return changed(table, ops, (open) => {
    for (const op of ops) applyOp(open, op);
  });
}

/** The table after `change` was done to a copy of the services that the ops speak of; the others stay the same objects. */
export function changed(table: Table, ops: readonly Op[], change: (open: OpenTable) => void): Table {
  // Thousands of ops speak of the same few objects.
  const services = new Set(ops.map(({ service }) => service));
  const touched = new Set([...services].map(({ identity }) => serviceKey(identity)));
  const open = openTable([...table].filter(([key]) => touched.has(key)));
  change(open);
  const next = new Map(table);
  for (const key of touched) {
    const service = open.get(key);
    if (service === undefined) next.delete(key);
    else next.set(key, service);
  }
  return next;
}

/** A copy, whose changes leave the original alone. */
export function openTable(table: Iterable<readonly [string, TableService]>): OpenTable {
  const next: OpenTable = new Map();
  for (const [key, service] of table) next.set(key, { ...service, servers: new Map(service.servers) });
  return next;
}

/** Changes the table in place. */
export function applyOp(table: OpenTable, op: Op): void {
  const key = serviceKey(op.service.identity);
  switch (op.kind) {
    case 'add_service':
    case 'edit_service':
      table.set(key, { servers: new Map(), ...table.get(key), ...serviceRow(op.service) });
      return;
    case 'del_service':
      table.delete(key);
      return;
    case 'add_server':
    case 'edit_server': {
      const servers = table.get(key)?.servers;
      // What the row no longer has goes, such as a tunnel.
      const row = serverRow(op.server, op.server.weight);
      const name = serverKey(row);
      servers?.set(name, { ...servers.get(name), ...row });
      return;
    }
    case 'del_server':
      table.get(key)?.servers.delete(serverKey(op.server));
      return;
  }
}
