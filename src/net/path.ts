import { SO_BINDTODEVICE, SO_MARK, SOL_SOCKET } from './constants.ts';
import type { Libc } from './libc.ts';
import { socketAddress } from './socket-address.ts';

/** How packets leave this host, where the routing table alone is not to say it. */
export interface Path {
  /** Canonical address of this host. */
  readonly source?: string | undefined;
  readonly interface?: string | undefined;
  /** For rules of `ip rule` and nftables. */
  readonly mark?: number | undefined;
}

/** Whether the routing table alone says it. */
export function isPlain({ source, interface: device, mark }: Path): boolean {
  return source === undefined && device === undefined && mark === undefined;
}

/** Has a new socket use the path. Throws as libc does: `EADDRNOTAVAIL`, `ENODEV`, `EPERM`. */
export function usePath(libc: Libc, fd: number, { source, interface: device, mark }: Path): void {
  if (device !== undefined) libc.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${device}\0`));
  if (mark !== undefined) libc.setsockopt(fd, SOL_SOCKET, SO_MARK, new Uint8Array(Uint32Array.of(mark).buffer));
  if (source !== undefined) libc.bind(fd, socketAddress(source, 0));
}
