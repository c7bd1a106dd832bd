import type { Deadline } from '../core/deadline.ts';
import {
  AF_INET,
  AF_INET6,
  EPOLLET,
  EPOLLOUT,
  IP_BIND_ADDRESS_NO_PORT,
  IPPROTO_IP,
  IPPROTO_TCP,
  TCP_INFO,
  TCPI_RTT_WORD,
} from './constants.ts';
import type { Libc } from './libc.ts';
import { isPlain, type Path, usePath } from './path.ts';
import type { Reactor } from './reactor.ts';
import { familyNumber } from './socket-address.ts';
import { beginToConnect, disconnect, mostSpare, openTcp, pendingError } from './tcp-socket.ts';

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

/** Connects, and ends the connection at once. Never rejects; when it resolves, there is no connection any more. */
export type ConnectTcp = (
  address: string,
  port: number,
  options: ConnectOptions,
  deadline: Deadline,
) => Promise<Connected>;

export function createConnect(libc: Libc, reactor: Reactor): ConnectTcp {
  const spare = new Map<number, Connection[]>([
    [AF_INET, []],
    [AF_INET6, []],
  ]);
  return (address, port, options, deadline) =>
    new Promise((resolve) => {
      if (deadline.isOver) return resolve('over');
      const shelf = isReusable(options) ? spare.get(familyNumber(address)) : undefined;
      const connection = shelf?.pop() ?? new Connection(libc, reactor, shelf);
      connection.open(address, port, options, deadline, resolve);
    });
}

/**
 * A socket whose connection has come about, and was reset, is spare. Not where it was bound: to an address or interface
 * that may since be gone, or be another by the same name.
 */
function isReusable(options: ConnectOptions): boolean {
  return options.close === 'rst' && isPlain(options);
}

const yes = new Uint8Array(Int32Array.of(1).buffer);
const info = new Uint32Array(TCPI_RTT_WORD + 1);
const infoBytes = new Uint8Array(info.buffer);

/** A socket with the connection that is being made. A class, and few closures: thousands are made in a second. */
class Connection {
  readonly #libc: Libc;
  readonly #reactor: Reactor;
  /** Where it goes when it is spare; undefined: it does not. */
  readonly #shelf: Connection[] | undefined;
  #fd = -1;
  #name = -1;
  #deadline: Deadline | undefined;
  #resolve: ((outcome: Connected) => void) | undefined;

  constructor(libc: Libc, reactor: Reactor, shelf: Connection[] | undefined) {
    this.#libc = libc;
    this.#reactor = reactor;
    this.#shelf = shelf;
  }

  open(
    address: string,
    port: number,
    options: ConnectOptions,
    deadline: Deadline,
    resolve: (outcome: Connected) => void,
  ): void {
    this.#deadline = deadline;
    this.#resolve = resolve;
    try {
      if (this.#fd < 0) this.#openSocket(address, options);
      beginToConnect(this.#libc, this.#fd, address, port);
      this.#wait();
      deadline.onOver = () => this.#expire();
    } catch (fault) {
      this.#settle(fault as Error);
    }
  }

  #openSocket(address: string, options: ConnectOptions): void {
    this.#fd = openTcp(this.#libc, address, options.close === 'rst');
    // Else bind(2) would take a port that is in use to no destination at all, of which there are 28,232.
    if (options.source !== undefined) this.#libc.setsockopt(this.#fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, yes);
    usePath(this.#libc, this.#fd, options);
  }

  /** Of changes alone: a spare socket would go on reporting that it has no connection. */
  #wait(): void {
    if (this.#name >= 0) this.#reactor.expect();
    else this.#name = this.#reactor.add(this.#fd, EPOLLOUT | EPOLLET, (ready) => this.#ready(ready));
  }

  #ready(events: number): void {
    if (this.#resolve === undefined) return;
    try {
      this.#settle(pendingError(this.#libc, this.#fd, events) ?? { rttMs: this.#rttMs() });
    } catch (fault) {
      this.#settle(fault as Error);
    }
  }

  #expire(): void {
    this.#reactor.poll();
    if (this.#resolve !== undefined) this.#settle('over');
  }

  #settle(outcome: Connected): void {
    const resolve = this.#resolve;
    if (this.#deadline !== undefined) this.#deadline.onOver = undefined;
    this.#deadline = undefined;
    this.#resolve = undefined;
    if (!this.#becomesSpare(outcome)) this.#closeSocket();
    resolve?.(outcome);
  }

  #becomesSpare(outcome: Connected): boolean {
    if (outcome === 'over' || outcome instanceof Error) return false;
    const shelf = this.#shelf;
    if (shelf === undefined || shelf.length >= mostSpare) return false;
    if (!disconnect(this.#libc, this.#fd)) return false;
    shelf.push(this);
    return true;
  }

  #closeSocket(): void {
    const [fd, name] = [this.#fd, this.#name];
    this.#fd = -1;
    this.#name = -1;
    if (name >= 0) this.#reactor.remove(name);
    if (fd >= 0) this.#libc.close(fd);
  }

  #rttMs(): number | undefined {
    this.#libc.getsockopt(this.#fd, IPPROTO_TCP, TCP_INFO, infoBytes);
    const microseconds = info[TCPI_RTT_WORD] ?? 0;
    return microseconds === 0 ? undefined : microseconds / 1000;
  }
}
