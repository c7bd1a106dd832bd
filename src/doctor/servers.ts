import type { Config, Server, Service } from '../core/config.ts';
import { serviceKey } from '../core/table.ts';
import { vipsOf } from '../host/vips.ts';

/** A server or fallback server with the service that it belongs to. */
export interface Placed {
  readonly service: Service;
  readonly server: Server;
}

export function placedServers({ services }: Config): readonly Placed[] {
  return services.flatMap((service) =>
    [...service.servers, ...service.fallbackServers].map((server) => ({ service, server })),
  );
}

/** The addresses and networks (`192.0.2.0/24`) that clients speak to, each with the names of its services. */
export function virtualAddresses({ services }: Config): ReadonlyMap<string, readonly string[]> {
  const named = services.flatMap((service) => vipsOf(service).map((address) => ({ name: service.name, address })));
  const groups = groupBy(named, ({ address }) => address);
  return new Map([...groups].map(([address, group]) => [address, group.map(({ name }) => name)]));
}

/** A single address, no network. */
export function isHost(address: string): boolean {
  return !address.includes('/');
}

/** In the order in which the keys first come. */
export function groupBy<Key, Value>(
  values: readonly Value[],
  keyOf: (value: Value) => Key,
): ReadonlyMap<Key, readonly Value[]> {
  const groups = new Map<Key, Value[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}

/** `web (TCP 192.0.2.1:80)` */
export function nameOf({ name, identity }: Service): string {
  return `${name} (${serviceKey(identity)})`;
}

/** `web, mail and 3 more` */
export function enumerate(names: readonly string[]): string {
  const distinct = [...new Set(names)];
  const shown = distinct.slice(0, shownNames);
  const rest = distinct.length - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
}

const shownNames = 3;
