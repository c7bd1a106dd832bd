import type { Deadline } from '../core/deadline.ts';
import { EPOLLERR, EPOLLHUP, EPOLLOUT, EPOLLRDHUP } from './constants.ts';
import type { SocketOwner, TcpSocket, TcpSockets } from './tcp-sockets.ts';

/** Who is told what comes of a request. Never throws. */
export interface Asker {
  /** There is a connection: told before the first request on it. */
  connected(): void;
  /**
   * Looks at what has come of the answer, all of it each time more came; the bytes may be overwritten afterwards. Returns
   * whether to wait for more, that no more is wanted, or that somebody else is to read it.
   */
  look(bytes: Buffer): 'wait' | 'done' | 'leave';
}

/** A connection whose answer somebody else is to read, who also closes it. */
export interface Left {
  readonly fd: number;
  /** What was read of the answer. */
  readonly bytes: Buffer;
  /** Both directions have ended, and the bytes are all there is: Node takes that for an end in good order, reset or not. */
  readonly isEnded: boolean;
}

/** What came of a request: `over` when the time was up. The wire is closed then, as it is where there is an error. */
export type Asked = 'done' | 'over' | Error | Left;

/** A TCP connection for requests, one after the other, none of them longer than `longestRequest`. */
export interface Wire {
  /** Something has come since the last request was sent. */
  readonly isAnswered: boolean;
  readonly isClosed: boolean;
  /** Connects where that was not done, sends the request, and looks at the answer. Rejects where the fault is a bug. */
  ask(request: Uint8Array, asker: Asker, deadline: Deadline): Promise<Asked>;
  /** Ends it with a reset, so that no port of ours stays in TIME_WAIT. */
  close(): void;
}

/** Makes a wire to a canonical address. */
export type OpenWire = (address: string, port: number) => Wire;

/** One segment even in a tunnel, so that no part waits for an acknowledgement; every socket has room for it at once. */
export const longestRequest = 1_200;

export function createOpenWire(sockets: TcpSockets): OpenWire {
  return (address, port) => new LibcWire(sockets, address, port);
}

/** What a read takes, and as much of an answer as is looked at here: what is longer is left. */
const incoming = Buffer.alloc(16 * 1024);
const nothing = Buffer.alloc(0);
const anyEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

/** A request that waits for its answer. */
interface Pending {
  readonly request: Uint8Array;
  readonly asker: Asker;
  readonly deadline: Deadline;
  readonly resolve: (outcome: Asked) => void;
  readonly reject: (bug: unknown) => void;
}

/** A class, and few closures: thousands are made in a second. */
class LibcWire implements Wire, SocketOwner {
  readonly #sockets: TcpSockets;
  readonly #address: string;
  readonly #port: number;
  #socket: TcpSocket | undefined;
  #isConnected = false;
  /** The last answer came to its end: its socket may be spare. */
  #isDone = false;
  #pending: Pending | undefined;
  /** What came in reads before. */
  #bytes = nothing;
  isAnswered = false;

  constructor(sockets: TcpSockets, address: string, port: number) {
    this.#sockets = sockets;
    this.#address = address;
    this.#port = port;
  }

  get isClosed(): boolean {
    return this.#socket === undefined;
  }

  ask(request: Uint8Array, asker: Asker, deadline: Deadline): Promise<Asked> {
    return new Promise((resolve, reject) => {
      this.#pending = { request, asker, deadline, resolve, reject };
      this.#bytes = nothing;
      this.#isDone = false;
      this.isAnswered = false;
      if (deadline.isOver) {
        this.#fail('over');
        return;
      }
      deadline.onOver = () => this.#expire();
      try {
        if (this.#isConnected) this.#askAgain(request);
        else this.#socket = this.#sockets.connect(this.#address, this.#port, this);
      } catch (fault) {
        this.#give(fault);
      }
    });
  }

  close(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#socket = undefined;
    if (this.#isDone) this.#sockets.end(socket);
    else this.#sockets.close(socket);
  }

  ready(events: number): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const pending = this.#pending;
    const isReadable = (events & ~EPOLLOUT) !== 0;
    try {
      if (pending !== undefined) {
        if (!this.#isConnected) this.#connect(socket, pending, events);
        if (isReadable) this.#receive(socket, pending, events);
      }
      // Nobody has asked: it is the end of the connection, or might as well be.
      else if (isReadable) this.close();
    } catch (fault) {
      this.#give(fault);
    }
  }

  /** What came before it was asked for is no answer. */
  #askAgain(request: Uint8Array): void {
    const { libc } = this.#sockets;
    const fd = this.#socket?.fd;
    if (fd === undefined || libc.recv(fd, incoming) !== undefined) this.#fail(new Error('connection lost'));
    else libc.send(fd, request);
  }

  #connect(socket: TcpSocket, { request, asker }: Pending, events: number): void {
    const fault = this.#sockets.pendingError(socket, events);
    if (fault !== undefined) throw fault;
    this.#isConnected = true;
    asker.connected();
    this.#sockets.libc.send(socket.fd, request);
  }

  /** What does not fill the buffer is all there is, as epoll(7) says, but for the end of the stream. */
  #receive(socket: TcpSocket, { asker }: Pending, events: number): void {
    const before = this.#bytes.length;
    this.#bytes.copy(incoming);
    const length = this.#sockets.libc.recv(socket.fd, incoming.subarray(before));
    if (length === undefined) return;
    if (before + length === 0) {
      this.#fail(new Error('other side closed'));
      return;
    }
    this.isAnswered = true;
    const bytes = incoming.subarray(0, before + length);
    const isEnding = (events & anyEnd) !== 0;
    const next = length === 0 ? 'leave' : asker.look(bytes);
    if (next === 'done') {
      this.#isDone = true;
      // It is told once.
      if (isEnding) this.close();
      this.#settle('done');
      return;
    }
    this.#bytes = Buffer.from(bytes);
    const isFull = bytes.length === incoming.length;
    if (next === 'leave' || isEnding || isFull) this.#leave(socket, (events & EPOLLHUP) !== 0 && !isFull);
  }

  #leave(socket: TcpSocket, isEnded: boolean): void {
    this.#sockets.leave(socket);
    this.#socket = undefined;
    this.#settle({ fd: socket.fd, bytes: this.#bytes, isEnded });
  }

  #expire(): void {
    this.#sockets.reactor.poll();
    if (this.#pending !== undefined) this.#fail('over');
  }

  /** What libc throws has an errno, and says something of the connection; all else is a bug. */
  #give(fault: unknown): void {
    if ((fault as NodeJS.ErrnoException).errno === undefined) this.#pending?.reject(fault);
    this.#fail(fault as Error);
  }

  #fail(outcome: 'over' | Error): void {
    this.close();
    this.#settle(outcome);
  }

  #settle(outcome: Asked): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    this.#bytes = nothing;
    pending.deadline.onOver = undefined;
    pending.resolve(outcome);
  }
}
