import { type Family, familyOf } from '../core/address.ts';
import type { Tunnel } from '../core/table.ts';
import { HostError } from './error.ts';
import type { TunnelType } from './setting.ts';

/** What comes out of the tunnel of a director, and what it was wrapped in. */
export interface Wrapped {
  /** The VIP. */
  readonly address: string;
  /** This server as the director knows it; absent: by an address of the VIP's family. */
  readonly server?: string;
  /** Absent: IP in IP. */
  readonly tunnel?: Tunnel | undefined;
}

/**
 * The device that the module itself brings: it takes packets from anybody, and there can be only one such of a kind.
 * Throws `HostError` where it does not take these packets, and another has to be made by hand.
 */
export function usualDevice(wrapped: Wrapped): { readonly link: string; readonly type: TunnelType } {
  const { outer } = familiesOf(wrapped);
  switch (wrapped.tunnel?.type) {
    case 'gue':
      throw refuse(wrapped, adviceForGue(wrapped, wrapped.tunnel.port));
    case 'gre':
      // ip_tunnel_rcv and __ip6_tnl_rcv drop packets with a checksum where the device was not made to expect one.
      if (wrapped.tunnel.checksum !== 'none')
        throw refuse(wrapped, byHand(wrapped, outer === 'ipv4' ? 'gre icsum' : 'ip6gre icsum'));
      return outer === 'ipv4' ? { link: 'gre0', type: 'gre' } : { link: 'ip6gre0', type: 'ip6gre' };
    case undefined: {
      const plain = plainDevice(wrapped);
      if (plain === undefined) throw refuse(wrapped, byHand(wrapped, 'ip6tnl mode any'));
      return plain;
    }
  }
}

/** For IP in IP. ip6tnl0 takes IPv6 alone out of IPv6 (ip6_fb_tnl_dev_init of net/ipv6/ip6_tunnel.c). */
export function plainDevice(wrapped: Wrapped): { readonly link: string; readonly type: TunnelType } | undefined {
  const { inner, outer } = familiesOf(wrapped);
  if (outer === 'ipv4') return inner === 'ipv4' ? { link: 'tunl0', type: 'ipip' } : { link: 'sit0', type: 'sit' };
  return inner === 'ipv6' ? { link: 'ip6tnl0', type: 'ip6tnl' } : undefined;
}

function familiesOf({ address, server = address }: Wrapped): { readonly inner: Family; readonly outer: Family } {
  return { inner: familyOf(address), outer: familyOf(server) };
}

function adviceForGue(wrapped: Wrapped, port: number): string {
  const unwrap = `ip ${familiesOf(wrapped).outer === 'ipv6' ? '-6 ' : ''}fou add port ${port} gue`;
  const plain = plainDevice(wrapped);
  if (plain === undefined) return `run '${unwrap}' and ${byHand(wrapped, 'ip6tnl mode any').replace('run ', '')}`;
  return `run '${unwrap}', and name the device for what that unwraps with --device ${plain.link}`;
}

function byHand({ server }: Wrapped, type: string): string {
  return `run 'ip link add lvs0 type ${type} local ${server}', and name it with --device lvs0`;
}

function refuse(wrapped: Wrapped, advice: string): HostError {
  const { address, server, tunnel } = wrapped;
  const kind = tunnel?.type ?? 'IP in IP';
  const why = 'no device of its own takes it from every director';
  return new HostError('failed', `Cannot set up the tunnel by ${kind} from ${server} to ${address}: ${why}; ${advice}`);
}
