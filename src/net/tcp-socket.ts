import { EINPROGRESS, EPOLLERR, SO_ERROR, SO_LINGER, SOCK_STREAM, SOL_SOCKET } from './constants.ts';
import { errorOf, type Libc } from './libc.ts';
import { familyNumber, socketAddress } from './socket-address.ts';

/** Sockets that are spare at most, of each family: what a batch of runs takes at 10,000 a second. */
export const mostSpare = 200;

const lingerOffAtOnce = new Uint8Array(Int32Array.of(1, 0).buffer);
const soError = new Int32Array(1);
const soErrorBytes = new Uint8Array(soError.buffer);

/** A socket for a canonical address. `isReset`: closed, its connection ends with a reset, and no port stays in TIME_WAIT. */
export function openTcp(libc: Libc, address: string, isReset: boolean): number {
  const fd = libc.socket(familyNumber(address), SOCK_STREAM, 0);
  try {
    if (isReset) libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, lingerOffAtOnce);
  } catch (error) {
    libc.close(fd);
    throw error;
  }
  return fd;
}

/** Throws as libc does where it fails at once. */
export function beginToConnect(libc: Libc, fd: number, address: string, port: number): void {
  const errno = libc.connect(fd, socketAddress(address, port));
  if (errno !== 0 && errno !== EINPROGRESS) throw errorOf('connect', errno);
}

/**
 * Ends the connection with a reset, and takes its port back; the socket can be connected again, which costs two thirds of
 * what a new one does. Returns whether it can. Its sequence numbers go on from the last connection's, which the server of
 * that one could tell.
 */
export function disconnect(libc: Libc, fd: number): boolean {
  return libc.connect(fd, nowhere) === 0;
}

/** `struct sockaddr` of AF_UNSPEC: see connect(2). */
const nowhere = new Uint8Array(16);

/** Why there is no connection, by the events of epoll: where it reports no error, SO_ERROR has none, and the call is saved. */
export function pendingError(libc: Libc, fd: number, events: number): Error | undefined {
  if ((events & EPOLLERR) === 0) return undefined;
  libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, soErrorBytes);
  const errno = soError[0] ?? 0;
  return errno === 0 ? undefined : errorOf('connect', errno);
}
