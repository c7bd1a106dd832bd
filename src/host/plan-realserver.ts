import { type Family, familyOf } from '../core/address.ts';
import type { Setting, TunnelType } from './setting.ts';

/** An address for which this real server takes packets. */
export interface Vip {
  readonly address: string;
  readonly method: 'dr' | 'tun';
}

/** A tunnel device. */
export interface Device {
  readonly link: string;
  /** What it is; undefined: there is none yet, and it is made as the family of the VIP wants it. */
  readonly type?: TunnelType | undefined;
}

/** The device that the module itself brings takes packets from anybody, and there can be only one such of a kind. */
const usualDevices = {
  ipv4: { link: 'tunl0', type: 'ipip' },
  ipv6: { link: 'ip6tnl0', type: 'ip6tnl' },
} as const satisfies Record<Family, Device>;

/**
 * What a real server needs in order to take packets for VIPs that it must not answer ARP for. `device` is for all VIPs
 * that come by tunnel; without it each family has its own. The addresses come last: by then nobody can learn them from
 * here.
 */
export function planRealserver(vips: readonly Vip[], device?: Device): readonly Setting[] {
  const ipv4 = vips.filter(({ address }) => familyOf(address) === 'ipv4');
  const tunnels = tunnelsFor(vips, device);
  return [
    ...tunnels.map((tunnel): Setting => ({ kind: 'tunnel', ...tunnel })),
    ...(ipv4.length > 0 ? arpSettings(['all', 'lo']) : []),
    ...tunnelsFor(ipv4, device).map(looseFilter),
    ...tunnels.map(({ link }): Setting => ({ kind: 'up', link })),
    ...vips.map((vip): Setting => homeOf(vip, device)),
  ];
}

type Tunnel = Required<Device> & { readonly type: TunnelType };

function tunnelsFor(vips: readonly Vip[], device: Device | undefined): readonly Tunnel[] {
  const tunnels = vips.filter(({ method }) => method === 'tun').map(({ address }) => tunnelFor(address, device));
  return [...new Map(tunnels.map((one) => [one.link, one])).values()];
}

function tunnelFor(address: string, device: Device | undefined): Tunnel {
  const usual = usualDevices[familyOf(address)];
  return { link: device?.link ?? usual.link, type: device?.type ?? usual.type };
}

/** Where the VIP is. A network is no address: its packets are taken by a route. */
function homeOf({ address, method }: Vip, device: Device | undefined): Setting {
  if (address.includes('/')) return { kind: 'route', prefix: address, link: 'lo' };
  return { kind: 'address', address, link: method === 'tun' ? tunnelFor(address, device).link : 'lo' };
}

/**
 * arp_ignore 1: ARP is answered for addresses of the link alone that it comes in by. arp_announce 2: ARP of ours never
 * names the VIP as its sender. Both take effect by the higher of `all` and the link. IPv6 needs neither: neighbours are
 * answered for addresses of the link alone (ndisc_recv_ns of net/ipv6/ndisc.c).
 */
function arpSettings(links: readonly string[]): readonly Setting[] {
  return links.flatMap((link): readonly Setting[] => [
    { kind: 'sysctl', path: `net/ipv4/conf/${link}/arp_ignore`, value: '1' },
    { kind: 'sysctl', path: `net/ipv4/conf/${link}/arp_announce`, value: '2' },
  ]);
}

/**
 * What comes out of the tunnel has the client's address, whose route leads elsewhere: a strict rp_filter drops it. The
 * higher of `all` and the link counts, so 0 here would not do where `all` is 1, and 2 does without touching `all`: the
 * client must have a route, whichever, and without one it could not be answered either.
 */
function looseFilter({ link }: Tunnel): Setting {
  return { kind: 'sysctl', path: `net/ipv4/conf/${link}/rp_filter`, value: '2' };
}
