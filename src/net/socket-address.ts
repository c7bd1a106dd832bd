import { ipToBytes } from '../core/address.ts';
import { AF_INET, AF_INET6 } from './constants.ts';

/**
 * `struct sockaddr_in` or `sockaddr_in6` of a canonical address. The bytes are those of every call: they hold until the
 * next.
 */
export function socketAddress(address: string, port: number): Uint8Array {
  return socketAddressOf(addressBytes(address), port);
}

/** The same of the bytes of an address. */
export function socketAddressOf(ip: Uint8Array, port: number): Uint8Array {
  const bytes = ip.length === 4 ? ipv4 : ipv6;
  bytes[2] = port >> 8;
  bytes[3] = port & 0xff;
  bytes.set(ip, addressAt[ip.length === 4 ? 'ipv4' : 'ipv6']);
  return bytes;
}

/** Where the address is in it: behind family and port IPv6 has 4 bytes of flow information, and 4 of scope at the end. */
export const addressAt = { ipv4: 4, ipv6: 8 } as const;

/** The 4 or 16 bytes of a canonical address. Addresses come from the configuration, so that there are few. */
export function addressBytes(address: string): Uint8Array {
  const known = read.get(address);
  if (known !== undefined) return known;
  const bytes = ipToBytes(address);
  read.set(address, bytes);
  return bytes;
}

/** `AF_INET` or `AF_INET6` of a canonical address. */
export function familyNumber(address: string): number {
  return address.includes(':') ? AF_INET6 : AF_INET;
}

const read = new Map<string, Uint8Array>();
const ipv4 = ofFamily(AF_INET, 16);
const ipv6 = ofFamily(AF_INET6, 28);

/** The family is in the order of this machine. */
function ofFamily(family: number, bytes: number): Uint8Array {
  const address = new Uint8Array(bytes);
  new Uint16Array(address.buffer, 0, 1)[0] = family;
  return address;
}
