import type { Server, Service } from '../core/config.ts';
import { doPrefixesMeet } from './contested-marks.ts';
import type { Located, Problems } from './context.ts';

/** Refuses networks of VIPs with a server in them: the director would take what it sends there for its own. */
export function refuseServersAmongVips(services: readonly Located<Service>[], problems: Problems): void {
  for (const { value, path } of services) {
    const networks = value.marks.flatMap(({ addresses }) => addresses).filter((address) => address.includes('/'));
    for (const network of new Set(networks)) {
      const server = findServer(services, (address) => doPrefixesMeet(network, address));
      if (server === undefined) continue;
      const reason = `the director would take packets to it for its own`;
      problems.add([...path, 'marks'], `the network ${network} contains the server ${server.address}: ${reason}`);
    }
  }
}

/** Refuses a VIP that is to be on two interfaces; `director` is the one of services that name none. */
export function refuseTwoInterfaces(
  services: readonly Located<Service>[],
  director: string | undefined,
  problems: Problems,
): void {
  const homes = new Map<string, { readonly link: string; readonly path: Located<Service>['path'] }>();
  for (const { value, path } of services) {
    const link = value.interface ?? director;
    if (link === undefined) continue;
    for (const vip of vipsOf(value)) {
      const earlier = homes.get(vip);
      if (earlier === undefined) homes.set(vip, { link, path });
      else if (earlier.link !== link) {
        const place = value.interface === undefined ? path : [...path, 'interface'];
        problems.add(
          place,
          `${vip} would be on ${link}, and is on ${earlier.link}: see ${problems.place(earlier.path)}`,
        );
      }
    }
  }
}

function findServer(services: readonly Located<Service>[], isMeant: (address: string) => boolean): Server | undefined {
  for (const { value } of services) {
    const found = [...value.servers, ...value.fallbackServers].find(({ address }) => isMeant(address));
    if (found !== undefined) return found;
  }
  return undefined;
}

function vipsOf({ identity, marks }: Service): ReadonlySet<string> {
  if (identity.kind === 'address') return new Set([identity.address]);
  return new Set(marks.flatMap(({ addresses }) => addresses).filter((address) => !address.includes('/')));
}
