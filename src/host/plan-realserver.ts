import { familyOf } from '../core/address.ts';
import type { Setting, TunnelType } from './setting.ts';
import { plainDevice, usualDevice, type Wrapped } from './usual-device.ts';

/** An address for which this real server takes packets. */
export interface Vip extends Wrapped {
  readonly method: 'dr' | 'tun';
}

/** A tunnel device. */
export interface Device {
  readonly link: string;
  /** What it is; undefined: there is none yet, and it is made as the VIP wants it. */
  readonly type?: TunnelType | undefined;
}

/**
 * What a real server needs in order to take packets for VIPs that it must not answer ARP for. `device` is for all VIPs
 * that come by tunnel; without it each kind of tunnel has its own. The addresses come last: by then nobody can learn them
 * from here. Throws `HostError` where a device is needed that is to be made by hand.
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
  const tunnels = vips.filter(({ method }) => method === 'tun').map((vip) => tunnelFor(vip, device));
  return [...new Map(tunnels.map((one) => [one.link, one])).values()];
}

/** What GUE unwraps comes by a device for IP in IP. */
function tunnelFor(vip: Vip, device: Device | undefined): Tunnel {
  if (device === undefined) return usualDevice(vip);
  const plain = vip.tunnel?.type === 'gue' ? plainDevice(vip) : undefined;
  return { link: device.link, type: device.type ?? plain?.type ?? usualDevice(vip).type };
}

/** Where the VIP is. A network is no address: its packets are taken by a route. */
function homeOf(vip: Vip, device: Device | undefined): Setting {
  const { address, method } = vip;
  if (address.includes('/')) return { kind: 'route', prefix: address, link: 'lo' };
  return { kind: 'address', address, link: method === 'tun' ? tunnelFor(vip, device).link : 'lo', isSilent: true };
}

/**
 * arp_ignore 1: ARP is answered for addresses of the link alone that it comes in by. arp_announce 2: ARP of ours never
 * names the VIP as its sender. Both take effect by the higher of `all` and the link. 2 and 8 of arp_ignore answer even
 * less; 3 answers for the VIP. IPv6 needs neither: neighbours are answered for addresses of the link alone (ndisc_recv_ns
 * of net/ipv6/ndisc.c).
 */
function arpSettings(links: readonly string[]): readonly Setting[] {
  return links.flatMap((link): readonly Setting[] => [
    { kind: 'sysctl', path: `net/ipv4/conf/${link}/arp_ignore`, value: '1', accepted: ['2', '8'] },
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
