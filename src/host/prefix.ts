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

function digitsOf(prefix: string): string {
  return [...ipToBytes(splitPrefix(prefix).address)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}
