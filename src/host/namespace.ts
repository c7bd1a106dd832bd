import { statSync } from 'node:fs';
import { loadLibc } from '../net/libc.ts';

/** AF_UNIX, SOCK_DGRAM */
const anySocket = [1, 2, 0] as const;
/** SOL_SOCKET, SO_NETNS_COOKIE of <asm-generic/socket.h>, since Linux 5.14: a u64. */
const cookieOption = [1, 71] as const;

/** The number that /proc/self/ns/net shows. Once the namespace is gone, the kernel gives it to another. */
export function namespaceNumber(): number {
  return statSync('/proc/self/ns/net').ino;
}

/**
 * The number that no other network namespace gets until the machine is started again, in decimals. Empty where it cannot
 * be asked for: without koffi, or from an older kernel.
 */
export function namespaceCookie(): string {
  const libc = loadLibc();
  if (libc === undefined) return '';
  const cookie = new BigUint64Array(1);
  const socket = libc.socket(...anySocket);
  try {
    libc.getsockopt(socket, ...cookieOption, new Uint8Array(cookie.buffer));
    return `${cookie[0]}`;
  } catch {
    return '';
  } finally {
    libc.close(socket);
  }
}
