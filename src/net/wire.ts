import type { Deadline } from '../core/deadline.ts';
import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from './constants.ts';
import type { Libc } from './libc.ts';
import type { Reactor } from './reactor.ts';
import { beginToConnect, openTcp, pendingError } from './tcp-socket.ts';

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

/** A connection whose answer somebody else is to read, who also closes it: the descriptor, and what was read of it. */
export interface Left {
  readonly fd: number;
  readonly bytes: Buffer;
}

/** What came of a request: `over` when the time was up. The wire is closed then, as it is where there is an error. */
export type Asked = 'done' | 'over' | Error | Left;

/** A TCP connection for requests, one after the other, none of them longer than `longestRequest`. */
export interface Wire {
  /** Something has come since the last request was sent. */
  readonly isAnswered: boolean;
  readonly isClosed: boolean;
  /** Connects where that was not done, sends the request, and looks at the answer. Never rejects. */
  ask(request: Uint8Array, asker: Asker, deadline: Deadline): Promise<Asked>;
  /** Ends it with a reset, so that no port of ours stays in TIME_WAIT. */
  close(): void;
}

/** Makes a wire to a canonical address. */
export type OpenWire = (address: string, port: number) => Wire;

/** One segment of Ethernet, so that it waits for no acknowledgement; a new socket has room for it whatever `tcp_wmem` is. */
export const longestRequest = 1_400;

export function createOpenWire(libc: Libc, reactor: Reactor): OpenWire {
  return (address, port) => new LibcWire(libc, reactor, address, port);
}

/** What a read takes, and as much of an answer as is looked at here: what is longer is left. */
const incoming = Buffer.alloc(16 * 1024);
const nothing = Buffer.alloc(0);
const anyEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

interface Question {
  readonly request: Uint8Array;
  readonly asker: Asker;
  readonly deadline: Deadline;
  readonly resolve: (outcome: Asked) => void;
}

/** A class, and few closures: thousands are made in a second. */
class LibcWire implements Wire {
  readonly #libc: Libc;
  readonly #reactor: Reactor;
  readonly #address: string;
  readonly #port: number;
  #fd = -1;
  #name = -1;
  #isConnected = false;
  #question: Question | undefined;
  /** What came in reads before. */
  #bytes = nothing;
  isAnswered = false;

  constructor(libc: Libc, reactor: Reactor, address: string, port: number) {
    this.#libc = libc;
    this.#reactor = reactor;
    this.#address = address;
    this.#port = port;
  }

  get isClosed(): boolean {
    return this.#fd < 0;
  }

  ask(request: Uint8Array, asker: Asker, deadline: Deadline): Promise<Asked> {
    return new Promise((resolve) => {
      this.#question = { request, asker, deadline, resolve };
      this.#bytes = nothing;
      this.isAnswered = false;
      if (deadline.isOver) {
        this.#fail('over');
        return;
      }
      deadline.onOver = () => this.#expire();
      try {
        if (this.#isConnected) this.#askAgain(request);
        else this.#open();
      } catch (fault) {
        this.#fail(fault as Error);
      }
    });
  }

  close(): void {
    if (this.#name >= 0) this.#reactor.remove(this.#name);
    if (this.#fd >= 0) this.#libc.close(this.#fd);
    this.#forget();
  }

  #open(): void {
    this.#fd = openTcp(this.#libc, this.#address, true);
    beginToConnect(this.#libc, this.#fd, this.#address, this.#port);
    const events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    this.#name = this.#reactor.add(this.#fd, events, (ready) => this.#ready(ready));
  }

  /** What came before it was asked for is no answer. */
  #askAgain(request: Uint8Array): void {
    if (this.#fd < 0 || this.#libc.recv(this.#fd, incoming) !== undefined) throw new Error('connection lost');
    this.#libc.send(this.#fd, request);
  }

  #ready(events: number): void {
    const question = this.#question;
    try {
      // Nobody has asked: it is the end of the connection, or might as well be.
      if (question === undefined) this.#closeUnasked(events);
      else {
        if (!this.#isConnected) this.#connect(question, events);
        if ((events & ~EPOLLOUT) !== 0) this.#receive(question, events);
      }
    } catch (fault) {
      this.#fail(fault as Error);
    }
  }

  #closeUnasked(events: number): void {
    if ((events & ~EPOLLOUT) !== 0) this.close();
  }

  #connect({ request, asker }: Question, events: number): void {
    const fault = pendingError(this.#libc, this.#fd, events);
    if (fault !== undefined) throw fault;
    this.#isConnected = true;
    asker.connected();
    this.#libc.send(this.#fd, request);
  }

  /** What does not fill the buffer is all there is, as epoll(7) says, but for the end of the stream. */
  #receive({ asker }: Question, events: number): void {
    const before = this.#bytes.length;
    this.#bytes.copy(incoming);
    const length = this.#libc.recv(this.#fd, incoming.subarray(before));
    if (length === undefined) return;
    if (before + length === 0) throw new Error('other side closed');
    this.isAnswered = true;
    const bytes = incoming.subarray(0, before + length);
    const isEnding = (events & anyEnd) !== 0;
    const next = length === 0 ? 'leave' : asker.look(bytes);
    if (next === 'done') {
      // It is told once.
      if (isEnding) this.close();
      this.#settle('done');
      return;
    }
    this.#bytes = Buffer.from(bytes);
    if (next === 'leave' || isEnding || bytes.length === incoming.length) this.#leave();
  }

  #leave(): void {
    const left = { fd: this.#fd, bytes: this.#bytes };
    this.#reactor.release(this.#name, left.fd);
    this.#forget();
    this.#settle(left);
  }

  #expire(): void {
    this.#reactor.poll();
    if (this.#question !== undefined) this.#fail('over');
  }

  #fail(outcome: 'over' | Error): void {
    this.close();
    this.#settle(outcome);
  }

  #settle(outcome: Asked): void {
    const question = this.#question;
    if (question === undefined) return;
    this.#question = undefined;
    question.deadline.onOver = undefined;
    question.resolve(outcome);
  }

  #forget(): void {
    this.#fd = -1;
    this.#name = -1;
  }
}
