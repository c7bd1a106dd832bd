import { ipToBytes } from '../core/address.ts';
import type { Config, Marking, PortRange, Service } from '../core/config.ts';
import { serviceFamily } from '../core/table.ts';
import type { MarkRule, Setting } from './setting.ts';
import { isLoopback, vipsOf } from './vips.ts';

/** What the plan has to know of the host. */
export interface Survey {
  /** Over which link a server is reached; nothing for one that is not. */
  readonly linkOfServer: ReadonlyMap<string, string>;
  /** Links over which a router's advertisement has brought a default route for IPv6. */
  readonly advertisedDefaults: readonly string[];
}

/** A VIP, or a network of them, and the link that has it. */
export interface Home {
  readonly address: string;
  readonly link: string;
}

/**
 * What the handbook's director script sets up for the services. The addresses come late: by then the packets that they
 * bring are forwarded and marked. A network is no address: its packets are taken by a route.
 */
export function planDirector({ services }: Config, homes: readonly Home[], survey: Survey): readonly Setting[] {
  const rules = services.flatMap(markRules);
  return [
    ...forwardingSettings(services, survey),
    ...redirectSettings(services, homes, survey),
    ...(rules.length === 0 ? [] : [{ kind: 'marks', rules } satisfies Setting]),
    ...homes.filter(isHost).map((home): Setting => ({ kind: 'address', ...home })),
    ...homes.filter((home) => !isHost(home)).map(routeTo),
  ];
}

/** The routes that the kernel itself adds with the addresses, IPv6 a moment later: worth a look, but not ours to add. */
export function routesOfAddresses(homes: readonly Home[]): readonly Setting[] {
  return homes.filter(isHost).map(routeTo);
}

/** Where the VIPs are to be: `named` on the command line counts before the configuration. Undefined link: nobody says. */
export function homesOf(
  { director, services }: Config,
  named: string | undefined,
): readonly { readonly address: string; readonly link: string | undefined; readonly service: string }[] {
  const homes = services.flatMap((service) =>
    vipsOf(service).map((address) => ({
      address,
      link: address.includes('/') ? 'lo' : (service.interface ?? named ?? director.interface),
      service: service.name,
    })),
  );
  return [...new Map(homes.map((home) => [`${home.address} ${home.link}`, home])).values()];
}

/**
 * Answers of NAT servers are forwarded. For tunnels the handbook's script asks for it, the kernel does not. A host that
 * forwards IPv6 forgets the default routes that routers advertise (rt6_purge_dflt_routers of net/ipv6/route.c), unless
 * accept_ra is 2: that comes first.
 */
function forwardingSettings(services: readonly Service[], { advertisedDefaults }: Survey): readonly Setting[] {
  const families = new Set(services.filter(isForwarded).map(({ identity }) => serviceFamily(identity)));
  const settings: Setting[] = [];
  if (families.has('ipv4')) settings.push({ kind: 'sysctl', path: 'net/ipv4/ip_forward', value: '1' });
  if (!families.has('ipv6')) return settings;
  for (const link of advertisedDefaults)
    settings.push({ kind: 'sysctl', path: `net/ipv6/conf/${link}/accept_ra`, value: '2' });
  return [...settings, { kind: 'sysctl', path: 'net/ipv6/conf/all/forwarding', value: '1' }];
}

function isForwarded(service: Service): boolean {
  return serversOf(service).some(({ forwarding }) => forwarding !== 'dr');
}

/** A server on this host itself is reached without forwarding. */
function serversOf({ servers, fallbackServers }: Service): Service['servers'] {
  return [...servers, ...fallbackServers].filter(({ address }) => !isLoopback(address));
}

/**
 * With clients and NAT servers on one link, the director would tell the servers to answer past it, and clients would get
 * answers from an address that they never asked. A link sends redirects when it or `all` says so. IPv6 has no such switch.
 */
function redirectSettings(services: readonly Service[], homes: readonly Home[], survey: Survey): readonly Setting[] {
  const links = new Set<string>();
  for (const service of services.filter(({ identity }) => serviceFamily(identity) === 'ipv4')) {
    const towardsClients = new Set(
      homes.filter(({ address }) => vipsOf(service).includes(address)).map(({ link }) => link),
    );
    for (const { address, forwarding } of serversOf(service)) {
      const link = survey.linkOfServer.get(address);
      if (forwarding === 'nat' && link !== undefined && towardsClients.has(link)) links.add(link);
    }
  }
  return [...(links.size > 0 ? ['all'] : []), ...links].map((link) => ({
    kind: 'sysctl',
    path: `net/ipv4/conf/${link}/send_redirects`,
    value: '0',
  }));
}

function routeTo({ address, link }: Home): Setting {
  return { kind: 'route', prefix: address, link };
}

function isHost({ address }: Home): boolean {
  return !address.includes('/');
}

/** Networks have rules of their own: addresses alone are looked up in one step, and nothing can overlap. */
export function markRules({ name, identity, marks }: Service): readonly MarkRule[] {
  if (identity.kind !== 'fwmark') return [];
  const { mark, family } = identity;
  return marks.flatMap(({ addresses, protocols, ports }) =>
    groupsOf(addresses).flatMap((group) =>
      unique(protocols).map(
        (protocol): MarkRule => ({ service: name, mark, family, addresses: group, protocol, ports: joinRanges(ports) }),
      ),
    ),
  );
}

function groupsOf(addresses: Marking['addresses']): readonly (readonly string[])[] {
  const hosts = unique(addresses.filter((address) => !address.includes('/')));
  const networks = unique(addresses.filter((address) => address.includes('/')));
  return [...(hosts.length > 0 ? [hosts.sort(compareAddresses)] : []), ...networks.map((network) => [network])];
}

function compareAddresses(a: string, b: string): number {
  return Buffer.compare(ipToBytes(a), ipToBytes(b));
}

/** In order; those that touch or overlap are one. */
function joinRanges(ports: readonly PortRange[]): readonly PortRange[] {
  const joined: PortRange[] = [];
  for (const [first, last] of [...ports].sort(([a], [b]) => a - b)) {
    const before = joined.at(-1);
    if (before !== undefined && first <= before[1] + 1) joined.splice(-1, 1, [before[0], Math.max(before[1], last)]);
    else joined.push([first, last]);
  }
  return joined;
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
