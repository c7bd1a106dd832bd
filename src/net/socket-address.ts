import { ipToBytes } from '../core/address.ts';
import { AF_INET, AF_INET6 } from './constants.ts';

/**
 * `struct sockaddr_in` or `sockaddr_in6` of a canonical address. The bytes are those of every call with the address:
 * they hold until the next. Addresses come from the configuration, so that there are few.
 */
export function socketAddress(address: string, port: number): Uint8Array {
  const bytes = made.get(address) ?? make(address);
  bytes[2] = port >> 8;
  bytes[3] = port & 0xff;
  return bytes;
}

/** `AF_INET` or `AF_INET6` of a canonical address. */
export function familyNumber(address: string): number {
  return address.includes(':') ? AF_INET6 : AF_INET;
}

const made = new Map<string, Uint8Array>();

/** Behind family and port an IPv6 address has 4 bytes of flow information, and 4 bytes of scope follow it. */
function make(address: string): Uint8Array {
  const ip = ipToBytes(address);
  const isIpv4 = ip.length === 4;
  const bytes = new Uint8Array(isIpv4 ? 16 : 28);
  // The family is in the order of this machine.
  new Uint16Array(bytes.buffer, 0, 1)[0] = isIpv4 ? AF_INET : AF_INET6;
  bytes.set(ip, isIpv4 ? 4 : 8);
  made.set(address, bytes);
  return bytes;
}
