import { ipToBytes } from '../core/address.ts';
import type { Link } from './rt-link.ts';

/** AF_PACKET, SOCK_DGRAM: the kernel writes the link's header. AF_INET6, SOCK_RAW, IPPROTO_ICMPV6: it writes the checksum. */
export const arpSocket = [17, 2, 0] as const;
export const icmpv6Socket = [10, 3, 58] as const;
/** IPPROTO_IPV6, IPV6_MULTICAST_HOPS: neighbour discovery that was forwarded is not believed (RFC 4861, 7.1.2). */
export const multicastHops = [41, 18, Uint8Array.of(255, 0, 0, 0)] as const;

const etherTypeArp = 0x0806;
const allNodes = 'ff02::1';

/** An announcement (RFC 5227, 3): a request for an address that comes from that address. */
export function arpAnnouncement(address: string, { hardwareAddress }: Link): Uint8Array {
  const ip = ipToBytes(address);
  // Ethernet, IPv4, the lengths of their addresses, request.
  return Buffer.concat([Buffer.from('0001080006040001', 'hex'), hardwareAddress, ip, Buffer.alloc(6), ip]);
}

/** An advertisement that nobody asked for (RFC 4861, 7.2.6). It overrides what neighbours know. */
export function neighbourAdvertisement(address: string, { hardwareAddress }: Link, isRouter: boolean): Uint8Array {
  const type = 136;
  const overrides = 0x20;
  const header = Buffer.from([type, 0, 0, 0, overrides | (isRouter ? 0x80 : 0), 0, 0, 0]);
  // Option 2, target link-layer address, of one unit of 8 bytes.
  return Buffer.concat([header, ipToBytes(address), Buffer.from([2, 1]), hardwareAddress]);
}

/** struct sockaddr_ll for everybody on a link of Ethernet: family, protocol, interface, type, kind, length, address. */
export function everybodyByArp({ index }: Link): Uint8Array {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(arpSocket[0], 0);
  address.writeUInt16BE(etherTypeArp, 2);
  address.writeInt32LE(index, 4);
  address.writeUInt8(6, 11);
  address.fill(0xff, 12, 18);
  return address;
}

export function everybodyByIpv6({ index }: Link): Uint8Array {
  return ipv6Address(allNodes, index);
}

/** struct sockaddr_in6: family, port, flow, address, scope. */
export function ipv6Address(address: string, scope = 0): Uint8Array {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt16LE(icmpv6Socket[0], 0);
  bytes.set(ipToBytes(address), 8);
  bytes.writeUInt32LE(scope, 24);
  return bytes;
}
