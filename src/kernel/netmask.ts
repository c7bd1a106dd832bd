import { ipToBytes } from '../core/address.ts';
import type { Persistence } from '../core/table.ts';

/** How much of a client's address a mask of IPv4, such as 255.255.255.0, lets through. Throws on text that is no address. */
export function maskOf(netmask: string): Pick<Persistence, 'prefixLength' | 'netmask'> {
  const bits = [...ipToBytes(netmask)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const prefixLength = bits.replaceAll('0', '').length;
  return { prefixLength, ...(bits.includes('01') && { netmask }) };
}

/** The mask of IPv4 that `maskOf` reads: 24 is 255.255.255.0. */
export function dottedMask({ prefixLength, netmask }: Pick<Persistence, 'prefixLength' | 'netmask'>): string {
  const ones = [0, 8, 16, 24].map((from) => Math.min(8, Math.max(0, prefixLength - from)));
  return netmask ?? ones.map((count) => 256 - 2 ** (8 - count)).join('.');
}
