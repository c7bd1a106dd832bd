import type { Family } from '../core/address.ts';
import type { Channel, Request } from '../kernel/channel.ts';
import { errnoName, NetlinkError } from '../kernel/errno.ts';

/** One request that changes something. This and what follows rejects with `NetlinkError`. */
export async function change(channel: Channel, request: Request): Promise<void> {
  const [errno = 0] = await channel.send([request]);
  if (errno !== 0) throw new NetlinkError(errnoName(errno), `The kernel answered ${errnoName(errno)}`);
}

/** Undefined where the kernel refuses with one of the codes. */
export async function unless<T>(codes: readonly string[], work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof NetlinkError && codes.includes(error.code)) return undefined;
    throw error;
  }
}

/** How long an address is. */
export function bitsOf(family: Family): number {
  return family === 'ipv6' ? 128 : 32;
}
