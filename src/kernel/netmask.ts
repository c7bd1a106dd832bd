import { ipFromBytes, ipToBytes } from '../core/address.ts';
import type { Persistence } from '../core/table.ts';

type Granularity = Pick<Persistence, 'prefixLength' | 'netmask'>;

/** How much of a client's address a mask of IPv4 lets through. Throws on less than 4 bytes. */
export function readMask(bytes: Buffer): Granularity {
  const blind = ~bytes.readUInt32BE();
  const isPrefix = (blind & (blind + 1)) === 0;
  if (isPrefix) return { prefixLength: Math.clz32(blind) };
  return { prefixLength: countOnes(~blind), netmask: ipFromBytes(bytes.subarray(0, 4)) };
}

/** The mask that `readMask` reads, as 4 bytes. */
export function maskBytes({ prefixLength, netmask }: Granularity): Uint8Array {
  if (netmask !== undefined) return ipToBytes(netmask);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0);
  return bytes;
}

function countOnes(bits: number): number {
  let ones = 0;
  for (let rest = bits; rest !== 0; rest >>>= 1) ones += rest & 1;
  return ones;
}
