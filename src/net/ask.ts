import type { Deadline } from '../core/deadline.ts';
import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from './constants.ts';
import type { Libc } from './libc.ts';
import type { Reactor } from './reactor.ts';
import { beginToConnect, openTcp, pendingError } from './tcp-socket.ts';

/** Who is told what comes of a request. Never throws. */
export interface Asker {
  connected(): void;
  /**
   * Looks at what has come of the answer, all of it each time more came; the bytes may be overwritten afterwards. Returns
   * whether to wait for more, that no more is wanted, or that somebody else is to read it.
   */
  look(bytes: Buffer): 'wait' | 'done' | 'leave';
}

/** A connection whose answer somebody else is to read, who also closes it: the descriptor, and what was read of it. */
export interface Left {
  readonly fd: number;
  readonly bytes: Buffer;
}

/** What came of it: `over` when the time was up. But where it is left, there is no connection any more. */
export type Asked = 'done' | 'over' | Error | Left;

/** Connects, sends the request, and looks at the answer. It fits into one segment. Never rejects. */
export type Ask = (
  address: string,
  port: number,
  request: Uint8Array,
  asker: Asker,
  deadline: Deadline,
) => Promise<Asked>;

/** RFC 9293, section 3.7.1, less what options may take: sent at once, and whole, whatever the path. */
export const longestRequest = 1_000;

export function createAsk(libc: Libc, reactor: Reactor): Ask {
  return (address, port, request, asker, deadline) =>
    new Promise((resolve) => {
      if (deadline.isOver) resolve('over');
      else new Exchange(libc, reactor, request, asker, deadline, resolve).open(address, port);
    });
}

/** What a read takes, and as much of an answer as is looked at here: what is longer is left. */
const incoming = Buffer.alloc(16 * 1024);
const nothing = Buffer.alloc(0);
const anyEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

/** One request and its answer. A class, and few closures: thousands are made in a second. */
class Exchange {
  readonly #libc: Libc;
  readonly #reactor: Reactor;
  readonly #request: Uint8Array;
  readonly #asker: Asker;
  readonly #deadline: Deadline;
  #resolve: ((outcome: Asked) => void) | undefined;
  #fd = -1;
  #name = -1;
  #isConnected = false;
  /** What came in reads before. */
  #bytes = nothing;

  constructor(
    libc: Libc,
    reactor: Reactor,
    request: Uint8Array,
    asker: Asker,
    deadline: Deadline,
    resolve: (outcome: Asked) => void,
  ) {
    this.#libc = libc;
    this.#reactor = reactor;
    this.#request = request;
    this.#asker = asker;
    this.#deadline = deadline;
    this.#resolve = resolve;
  }

  open(address: string, port: number): void {
    try {
      this.#fd = openTcp(this.#libc, address, true);
      beginToConnect(this.#libc, this.#fd, address, port);
      const events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
      this.#name = this.#reactor.add(this.#fd, events, (ready) => this.#ready(ready));
      this.#deadline.onOver = () => this.#expire();
    } catch (fault) {
      this.#settle(fault as Error);
    }
  }

  #ready(events: number): void {
    try {
      if (!this.#isConnected) this.#connect(events);
      if ((events & ~EPOLLOUT) !== 0) this.#receive(events);
    } catch (fault) {
      this.#settle(fault as Error);
    }
  }

  #connect(events: number): void {
    const fault = pendingError(this.#libc, this.#fd, events);
    if (fault !== undefined) throw fault;
    this.#isConnected = true;
    this.#asker.connected();
    this.#libc.send(this.#fd, this.#request);
  }

  /** What does not fill the buffer is all there is, as epoll(7) says, but for the end of the stream. */
  #receive(events: number): void {
    const before = this.#bytes.length;
    this.#bytes.copy(incoming);
    const length = this.#libc.recv(this.#fd, incoming.subarray(before));
    if (length === undefined) return;
    const bytes = incoming.subarray(0, before + length);
    const next = length === 0 ? 'leave' : this.#asker.look(bytes);
    if (next === 'done') {
      this.#settle('done');
      return;
    }
    this.#bytes = Buffer.from(bytes);
    const isMoreThere = bytes.length === incoming.length || (events & anyEnd) !== 0;
    if (next === 'leave' || isMoreThere) this.#leave();
  }

  #leave(): void {
    const fd = this.#fd;
    this.#reactor.release(this.#name, fd);
    this.#fd = -1;
    this.#name = -1;
    this.#settle({ fd, bytes: this.#bytes });
  }

  #expire(): void {
    this.#reactor.poll();
    this.#settle('over');
  }

  #settle(outcome: Asked): void {
    const resolve = this.#resolve;
    if (resolve === undefined) return;
    this.#resolve = undefined;
    this.#deadline.onOver = undefined;
    if (this.#name >= 0) this.#reactor.remove(this.#name);
    if (this.#fd >= 0) this.#libc.close(this.#fd);
    resolve(outcome);
  }
}
