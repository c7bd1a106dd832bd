import type { Deadline } from '../core/deadline.ts';
import {
  EINPROGRESS,
  EPOLLERR,
  EPOLLOUT,
  IP_BIND_ADDRESS_NO_PORT,
  IPPROTO_IP,
  IPPROTO_TCP,
  SO_ERROR,
  SO_LINGER,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_INFO,
  TCPI_RTT_WORD,
} from './constants.ts';
import { errorOf, type Libc } from './libc.ts';
import { type Path, usePath } from './path.ts';
import type { Reactor } from './reactor.ts';
import { familyNumber, socketAddress } from './socket-address.ts';

export interface ConnectOptions extends Path {
  /** How a connection that came about ends: with a reset, or in good order, which leaves its port in TIME_WAIT. */
  readonly close: 'rst' | 'fin';
}

/** What came of it: `over` when the time was up, else why there is no connection. */
export type Connected = Established | 'over' | Error;

interface Established {
  /** From SYN to its answer, as the kernel measured it; undefined where it did not: the SYN was sent more than once. */
  readonly rttMs: number | undefined;
}

/** Connects, and closes at once. Never rejects; when it resolves, the socket is closed. */
export type ConnectTcp = (
  address: string,
  port: number,
  options: ConnectOptions,
  deadline: Deadline,
) => Promise<Connected>;

export function createConnect(libc: Libc, reactor: Reactor): ConnectTcp {
  return (address, port, options, deadline) =>
    new Promise((resolve) => {
      if (deadline.isOver) resolve('over');
      else new Connection(libc, reactor, options.close, deadline, resolve).open(address, port, options);
    });
}

const lingerOffAtOnce = new Uint8Array(Int32Array.of(1, 0).buffer);
const yes = new Uint8Array(Int32Array.of(1).buffer);
const error = new Int32Array(1);
const errorBytes = new Uint8Array(error.buffer);
const info = new Uint32Array(TCPI_RTT_WORD + 1);
const infoBytes = new Uint8Array(info.buffer);

/** A connection that is being made. A class, and few closures: thousands are made in a second. */
class Connection {
  readonly #libc: Libc;
  readonly #reactor: Reactor;
  readonly #close: ConnectOptions['close'];
  readonly #deadline: Deadline;
  readonly #resolve: (outcome: Connected) => void;
  #fd = -1;
  #name = -1;

  constructor(
    libc: Libc,
    reactor: Reactor,
    close: ConnectOptions['close'],
    deadline: Deadline,
    resolve: (outcome: Connected) => void,
  ) {
    this.#libc = libc;
    this.#reactor = reactor;
    this.#close = close;
    this.#deadline = deadline;
    this.#resolve = resolve;
  }

  open(address: string, port: number, path: Path): void {
    try {
      this.#fd = this.#libc.socket(familyNumber(address), SOCK_STREAM, 0);
      // Else bind(2) would take a port that is in use to no destination at all, of which there are 28,232.
      if (path.source !== undefined) this.#libc.setsockopt(this.#fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, yes);
      usePath(this.#libc, this.#fd, path);
      const errno = this.#libc.connect(this.#fd, socketAddress(address, port));
      if (errno !== 0 && errno !== EINPROGRESS) throw errorOf('connect', errno);
      this.#name = this.#reactor.add(this.#fd, EPOLLOUT, (events) => this.#ready(events));
      this.#deadline.onOver = () => this.#expire();
    } catch (fault) {
      this.#settle(fault as Error);
    }
  }

  #ready(events: number): void {
    try {
      this.#settle(this.#judge(events));
    } catch (fault) {
      this.#settle(fault as Error);
    }
  }

  /** Where epoll reports no error, SO_ERROR has none: the call is saved. */
  #judge(events: number): Connected {
    const errno = (events & EPOLLERR) === 0 ? 0 : this.#pendingError();
    if (errno !== 0) return errorOf('connect', errno);
    if (this.#close === 'rst') this.#libc.setsockopt(this.#fd, SOL_SOCKET, SO_LINGER, lingerOffAtOnce);
    return { rttMs: this.#rttMs() };
  }

  #expire(): void {
    this.#reactor.poll();
    if (this.#fd >= 0) this.#settle('over');
  }

  #settle(outcome: Connected): void {
    const fd = this.#fd;
    this.#fd = -1;
    this.#deadline.onOver = undefined;
    if (this.#name >= 0) this.#reactor.remove(this.#name);
    if (fd >= 0) this.#libc.close(fd);
    this.#resolve(outcome);
  }

  #rttMs(): number | undefined {
    this.#libc.getsockopt(this.#fd, IPPROTO_TCP, TCP_INFO, infoBytes);
    const microseconds = info[TCPI_RTT_WORD] ?? 0;
    return microseconds === 0 ? undefined : microseconds / 1000;
  }

  #pendingError(): number {
    this.#libc.getsockopt(this.#fd, SOL_SOCKET, SO_ERROR, errorBytes);
    return error[0] ?? 0;
  }
}
