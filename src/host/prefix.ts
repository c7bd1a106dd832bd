import { familyOf, ipToBytes } from '../core/address.ts';
import { bitsOf } from './rtnetlink.ts';

/** `192.0.2.0/24` in its parts; an address is a prefix of all its bits. */
export function splitPrefix(prefix: string): { readonly address: string; readonly prefixLength: number } {
  const [address = '', length] = prefix.split('/');
  return { address, prefixLength: length === undefined ? bitsOf(familyOf(address)) : Number(length) };
}

/** Whether all of `inner` is within `outer`; addresses are prefixes too. */
export function contains(outer: string, inner: string): boolean {
  const { address, prefixLength } = splitPrefix(outer);
  if (familyOf(address) !== familyOf(inner) || splitPrefix(inner).prefixLength < prefixLength) return false;
  return digitsOf(inner).slice(0, prefixLength) === digitsOf(outer).slice(0, prefixLength);
}

/** Whether the address is that of all hosts in the network of another: a /31 or /32 has none (RFC 3021), nor has IPv6. */
export function isBroadcastOf(
  { address: host, prefixLength }: { readonly address: string; readonly prefixLength: number },
  address: string,
): boolean {
  if (prefixLength > 30 || familyOf(address) === 'ipv6' || !contains(`${host}/${prefixLength}`, address)) return false;
  return !digitsOf(address).slice(prefixLength).includes('0');
}

function digitsOf(prefix: string): string {
  return [...ipToBytes(splitPrefix(prefix).address)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}
