import type { Service } from './config.ts';
import type { Decision } from './fleet.ts';
import { serviceKey, serviceRow, type Table, type TableService } from './table.ts';

/** The table we want: the services of the configuration, each with the rows that were decided for it by name. */
export function desired(services: readonly Service[], decisions: ReadonlyMap<string, Decision>): Table {
  return new Map(services.map((service) => [serviceKey(service.identity), desiredService(service, decisions)]));
}

/** The services, by `serviceKey`, that wait for the first runs of their servers: they keep what serves them now. */
export function awaiting(services: readonly Service[], decisions: ReadonlyMap<string, Decision>): ReadonlySet<string> {
  const waiting = services.filter(({ name }) => decisions.get(name)?.isSettled !== true);
  return new Set(waiting.map(({ identity }) => serviceKey(identity)));
}

/** As long as nothing is decided anew, what is wanted is the same object. */
const wanted = new WeakMap<Decision, { readonly service: Service; readonly row: TableService }>();

function desiredService(service: Service, decisions: ReadonlyMap<string, Decision>): TableService {
  const decision = decisions.get(service.name);
  const known = decision && wanted.get(decision);
  if (known?.service === service) return known.row;
  const row = { ...serviceRow(service), servers: decision?.rows ?? new Map() };
  if (decision) wanted.set(decision, { service, row });
  return row;
}
