import type { Deadline } from '../core/deadline.ts';
import { IPPROTO_TCP, TCP_INFO, TCPI_RTT_WORD } from './constants.ts';
import type { ConnectOptions, SocketOwner, TcpSocket, TcpSockets } from './tcp-sockets.ts';

/** What came of it: `over` when the time was up, else why there is no connection. */
export type Connected = Established | 'over' | Error;

interface Established {
  /**
   * From SYN to its answer, as the kernel measured it; undefined where it did not, as for a SYN that was sent more than once
   * to a server without timestamps.
   */
  readonly rttMs: number | undefined;
}

/** Connects, and ends the connection at once. Never rejects; when it resolves, there is no connection any more. */
export type ConnectTcp = (
  address: string,
  port: number,
  options: ConnectOptions,
  deadline: Deadline,
) => Promise<Connected>;

export function createConnect(sockets: TcpSockets): ConnectTcp {
  return (address, port, options, deadline) =>
    new Promise((resolve) => {
      if (deadline.isOver) resolve('over');
      else new Connection(sockets, deadline, resolve).open(address, port, options);
    });
}

const info = new Uint32Array(TCPI_RTT_WORD + 1);
const infoBytes = new Uint8Array(info.buffer);

/** A connection that is being made. A class, and few closures: thousands are made in a second. */
class Connection implements SocketOwner {
  readonly #sockets: TcpSockets;
  readonly #deadline: Deadline;
  readonly #resolve: (outcome: Connected) => void;
  #socket: TcpSocket | undefined = undefined;

  constructor(sockets: TcpSockets, deadline: Deadline, resolve: (outcome: Connected) => void) {
    this.#sockets = sockets;
    this.#deadline = deadline;
    this.#resolve = resolve;
  }

  open(address: string, port: number, options: ConnectOptions): void {
    try {
      this.#socket = this.#sockets.connect(address, port, this, options);
      this.#deadline.onOver = () => this.#expire();
    } catch (fault) {
      this.#resolve(fault as Error);
    }
  }

  ready(events: number): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    try {
      const error = this.#sockets.pendingError(socket, events);
      if (error === undefined) this.#settle(socket, { rttMs: this.#rttMs(socket) });
      else this.#fail(socket, error);
    } catch (fault) {
      this.#fail(socket, fault as Error);
    }
  }

  #expire(): void {
    this.#sockets.reactor.poll();
    if (this.#socket !== undefined) this.#fail(this.#socket, 'over');
  }

  #settle(socket: TcpSocket, outcome: Established): void {
    this.#sockets.end(socket);
    this.#resolveWith(outcome);
  }

  #fail(socket: TcpSocket, outcome: 'over' | Error): void {
    this.#sockets.close(socket);
    this.#resolveWith(outcome);
  }

  #resolveWith(outcome: Connected): void {
    this.#socket = undefined;
    this.#deadline.onOver = undefined;
    this.#resolve(outcome);
  }

  #rttMs({ fd }: TcpSocket): number | undefined {
    this.#sockets.libc.getsockopt(fd, IPPROTO_TCP, TCP_INFO, infoBytes);
    const microseconds = info[TCPI_RTT_WORD] ?? 0;
    return microseconds === 0 ? undefined : microseconds / 1000;
  }
}
