import type { Deadline } from '../core/deadline.ts';
import { EINPROGRESS, EPOLLERR, EPOLLOUT, SO_ERROR, SO_LINGER, SOCK_STREAM, SOL_SOCKET } from './constants.ts';
import { errorOf, type Libc } from './libc.ts';
import { type Path, usePath } from './path.ts';
import type { Reactor } from './reactor.ts';
import { familyNumber, socketAddress } from './socket-address.ts';

export interface ConnectOptions extends Path {
  /** How a connection that came about ends: with a reset, or in good order, which leaves its port in TIME_WAIT. */
  readonly close: 'rst' | 'fin';
}

/** What came of it: `over` when the time was up, else why there is no connection. */
export type Connected = 'connected' | 'over' | Error;

/** Connects, and closes at once. Never rejects; when it resolves, the socket is closed. */
export type ConnectTcp = (
  address: string,
  port: number,
  options: ConnectOptions,
  deadline: Deadline,
) => Promise<Connected>;

const lingerOffAtOnce = new Uint8Array(Int32Array.of(1, 0).buffer);

export function createConnect(libc: Libc, reactor: Reactor): ConnectTcp {
  const error = new Int32Array(1);
  const errorBytes = new Uint8Array(error.buffer);

  const pendingError = (fd: number): number => {
    libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, errorBytes);
    return error[0] ?? 0;
  };

  return (address, port, options, deadline) =>
    new Promise((resolve) => {
      if (deadline.isOver) return resolve('over');
      let fd = -1;
      let name: number | undefined;

      const settle = (outcome: Connected) => {
        deadline.onOver = undefined;
        if (name !== undefined) reactor.remove(name);
        name = undefined;
        if (fd >= 0) libc.close(fd);
        resolve(outcome);
      };
      /** Where epoll reports no error, SO_ERROR has none: the call is saved. */
      const judge = (events: number) => {
        const errno = (events & EPOLLERR) === 0 ? 0 : pendingError(fd);
        if (errno !== 0) return settle(errorOf('connect', errno));
        if (options.close === 'rst') libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, lingerOffAtOnce);
        settle('connected');
      };

      try {
        fd = libc.socket(familyNumber(address), SOCK_STREAM, 0);
        usePath(libc, fd, options);
        const errno = libc.connect(fd, socketAddress(address, port));
        if (errno !== 0 && errno !== EINPROGRESS) return settle(errorOf('connect', errno));
        name = reactor.add(fd, EPOLLOUT, judge);
      } catch (fault) {
        return settle(fault as Error);
      }
      deadline.onOver = () => {
        reactor.poll();
        if (name !== undefined) settle('over');
      };
    });
}
