import type { Config, Server, Service } from '../core/config.ts';
import type { Vip } from './plan-realserver.ts';

/** The addresses and prefixes of a service, in this order and each once; those of this host's own loopback left out. */
export function vipsOf({ identity, marks }: Service): readonly string[] {
  const all = identity.kind === 'address' ? [identity.address] : marks.flatMap(({ addresses }) => addresses);
  return [...new Set(all)].filter((address) => !isLoopback(address));
}

/** What a host with these addresses needs as a real server: the VIPs of the services that it serves by `dr` or `tun`. */
export function vipsOfServer({ services }: Config, addresses: ReadonlySet<string>): readonly Vip[] {
  const vips = services.flatMap((service) => {
    const entries = [...service.servers, ...service.fallbackServers].filter(({ address }) => addresses.has(address));
    return entries.flatMap((server) => vipsBy(server, vipsOf(service)));
  });
  return [...new Map(vips.map((vip) => [JSON.stringify(vip), vip])).values()];
}

export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

function vipsBy({ forwarding, address: server, tunnel }: Server, addresses: readonly string[]): readonly Vip[] {
  switch (forwarding) {
    case 'nat':
      return [];
    case 'dr':
      return addresses.map((address) => ({ address, method: forwarding }));
    case 'tun':
      return addresses.map((address) => ({ address, method: forwarding, server, tunnel }));
  }
}
