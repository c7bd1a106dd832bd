import type { Endpoint } from '../core/address.ts';
import type { ServerRow, ServiceIdentity, ServiceRow } from '../core/table.ts';

/** A row that names a service, for ops of which nothing else counts. */
export function bareService(identity: ServiceIdentity): ServiceRow {
  return { identity, scheduler: '', schedulerFlags: [], isOnePacket: false, persistence: undefined };
}

/** A row that names a server, for ops of which nothing else counts. */
export function bareServer({ address, port }: Endpoint): ServerRow {
  return { address, port, forwarding: 'nat', weight: 0, upperThreshold: 0, lowerThreshold: 0 };
}
