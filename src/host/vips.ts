import type { Config, Service } from '../core/config.ts';
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
    return entries.flatMap(({ forwarding }) =>
      forwarding === 'nat' ? [] : vipsOf(service).map((address): Vip => ({ address, method: forwarding })),
    );
  });
  return [...new Map(vips.map((vip) => [`${vip.method} ${vip.address}`, vip])).values()];
}

export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
