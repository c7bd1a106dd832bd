import { setImmediate as afterPoll } from 'node:timers/promises';
import { RawNetlinkSocket } from 'netlink';
import { encodeMessage, errnoIn, flag, type Message, messageType, readMessages } from './datagram.ts';
import { errnoName, NetlinkError } from './errno.ts';

export { Protocol } from 'netlink';

/** One request: a message type, flags beside those that the exchange needs, and what follows the netlink header. */
export interface Request {
  readonly type: number;
  readonly flags?: number;
  readonly payload: Buffer;
}

/** What goes on between one datagram of ours and the last answer to it. */
interface Exchange {
  /** Datagrams that came so far: silence is what ends the wait, never its length. */
  heard: number;
  take(message: Message): void;
  fail(error: unknown): void;
}

/**
 * Requests in one datagram. The kernel has done them all, one after the other, when `sendmsg` returns. It answers those
 * that it refuses, and the last one, which is asked to be answered; should all be refused, 64 answers take at most 80
 * KiB of the 208 KiB that the receive buffer of a socket has by default.
 */
const widestWindow = 64;
/** The kernel gives as much of it as net.core.rmem_max allows. */
const receiveBufferBytes = 1024 * 1024;
const silenceMs = 5000;
const dumpAttempts = 5;

/**
 * A netlink socket, opened when first needed and anew after every failure, so that no late answer is taken for an
 * answer to something else. It holds one exchange at a time: the caller awaits each before the next.
 */
export class Channel {
  readonly #protocol: number;
  #socket: RawNetlinkSocket | undefined;
  #exchange: Exchange | undefined;
  #silence: NodeJS.Timeout | undefined;
  #sequence = 0;
  #window = widestWindow;

  constructor(protocol: number) {
    this.#protocol = protocol;
  }

  /**
   * Sends every request, each taken when it is its turn, and resolves with one errno a request, 0 for success, in the
   * same order. Rejects with `NetlinkError` when answers were lost: the kernel may have done any part of the rest.
   */
  async send(requests: Iterable<Request>): Promise<readonly number[]> {
    const errnos: number[] = [];
    let window: Request[] = [];
    const flush = async () => {
      errnos.push(...(await this.#sendWindow(window)));
      window = [];
    };
    for (const request of requests) {
      window.push(request);
      if (window.length >= this.#window) await flush();
    }
    if (window.length > 0) await flush();
    return errnos;
  }

  /** Resolves with the payload of the one answer. Rejects with `NetlinkError`, the kernel's errno name in `code`. */
  ask(request: Request): Promise<Buffer> {
    return this.#converse([request], flag.request, (message) => {
      if (message.type !== messageType.error) return message.payload;
      throw refused(errnoIn(message));
    });
  }

  /** Resolves with the payloads of all rows of a table that did not change meanwhile. Rejects as `ask` does. */
  async dump(request: Request): Promise<readonly Buffer[]> {
    for (let attempt = 1; attempt <= dumpAttempts; attempt++) {
      const rows = await this.#dumpOnce(request);
      if (rows !== 'interrupted') return rows;
    }
    throw new NetlinkError('EINTR', `The kernel's table changed during each of ${dumpAttempts} attempts to read it`);
  }

  /** Resolves when the socket is closed. */
  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    // Not at once: the binding goes on to use a socket that is closed from within one of its callbacks.
    await afterPoll();
    socket.close();
  }

  #sendWindow(requests: readonly Request[]): Promise<readonly number[]> {
    const last = requests.length - 1;
    const errnos = requests.map(() => 0);
    const asked = requests.map((request, index) =>
      index < last ? request : { ...request, flags: (request.flags ?? 0) | flag.ack },
    );
    return this.#converse(asked, flag.request, (message, index) => {
      if (message.type !== messageType.error) return undefined;
      errnos[index] = errnoIn(message);
      return index === last ? errnos : undefined;
    });
  }

  #dumpOnce(request: Request): Promise<readonly Buffer[] | 'interrupted'> {
    const rows: Buffer[] = [];
    let isInterrupted = false;
    return this.#converse([request], flag.request | flag.dump, (message) => {
      isInterrupted ||= (message.flags & flag.dumpInterrupted) !== 0;
      const isLast = message.type === messageType.done || message.type === messageType.error;
      if (!isLast) rows.push(message.payload);
      else if (errnoIn(message) !== 0) throw refused(errnoIn(message));
      else return isInterrupted ? 'interrupted' : rows;
      return undefined;
    });
  }

  /** Sends one datagram; `answer` is given each answer with the index of its request until it returns a result. */
  async #converse<T>(
    requests: readonly Request[],
    flags: number,
    answer: (message: Message, index: number) => T | undefined,
  ): Promise<T> {
    const first = this.#reserve(requests.length);
    const datagram = requests.map(({ type, flags: own = 0, payload }, index) =>
      encodeMessage({ type, flags: flags | own, sequence: first + index, payload }),
    );
    try {
      return await this.#exchangeOver(this.#open(), Buffer.concat(datagram), (message) => {
        const index = message.sequence - first;
        return index >= 0 && index < requests.length ? answer(message, index) : undefined;
      });
    } catch (error) {
      await this.close();
      throw this.#explain(error);
    } finally {
      this.#exchange = undefined;
      clearTimeout(this.#silence);
    }
  }

  #exchangeOver<T>(
    socket: RawNetlinkSocket,
    datagram: Buffer,
    answer: (message: Message) => T | undefined,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const exchange: Exchange = {
        heard: 0,
        take(message) {
          const result = answer(message);
          if (result !== undefined) resolve(result);
        },
        fail: reject,
      };
      this.#exchange = exchange;
      this.#failOnSilence(exchange, exchange.heard);
      socket.send(datagram, undefined, (error) => error && reject(error));
    });
  }

  /** A timer that is late, as after a stall of ours, first lets the answers in that came meanwhile. */
  #failOnSilence(exchange: Exchange, heardBefore: number): void {
    this.#silence = setTimeout(async () => {
      await afterPoll();
      if (this.#exchange !== exchange) return;
      if (exchange.heard > heardBefore) this.#failOnSilence(exchange, exchange.heard);
      else exchange.fail(new NetlinkError('ETIMEDOUT', `No answer of the kernel in ${silenceMs} ms`));
    }, silenceMs);
  }

  #open(): RawNetlinkSocket {
    if (this.#socket !== undefined) return this.#socket;
    const socket = new RawNetlinkSocket(this.#protocol);
    this.#socket = socket;
    socket.setRecvBufferSize(receiveBufferBytes);
    socket.on('message', (datagram, { port }) => {
      // Port 0 is the kernel; any process may send to us from its own.
      if (port === 0 && socket === this.#socket) this.#take(datagram);
    });
    socket.on('error', (error) => {
      if (socket === this.#socket) this.#exchange?.fail(error);
    });
    return socket;
  }

  #take(datagram: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    exchange.heard += 1;
    try {
      for (const message of readMessages(datagram)) exchange.take(message);
    } catch (error) {
      exchange.fail(error);
    }
  }

  /** Numbers for so many requests, from the one returned. */
  #reserve(count: number): number {
    if (this.#sequence + count > 0xffffffff) this.#sequence = 0;
    const first = this.#sequence + 1;
    this.#sequence += count;
    return first;
  }

  /** After answers that found no room, one at a time. */
  #explain(error: unknown): NetlinkError {
    if (error instanceof NetlinkError) return error;
    const { code = 'EIO', message } = error as NodeJS.ErrnoException;
    if (code === 'ENOBUFS') this.#window = 1;
    return new NetlinkError(code, message, { cause: error });
  }
}

function refused(errno: number): NetlinkError {
  return new NetlinkError(errnoName(errno), `The kernel answered ${errnoName(errno)}`);
}
