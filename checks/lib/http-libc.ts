import type { Target } from '../../src/core/config.ts';
import type { Deadline } from '../../src/core/deadline.ts';
import type { Left, OpenWire, Wire } from '../../src/net/wire.ts';
import type { HttpConnection, Outcome, Question } from './http-connection.ts';
import type { UndiciConnection } from './http-undici.ts';
import { RegularAnswer } from './regular-answer.ts';
import { LeftSocket } from './socket.ts';
import type { Stopwatch } from './stopwatch.ts';

/** undici takes 20 MB and a tenth of a second: only for those who ask by HTTP. */
export type LoadUndici = () => Promise<{ readonly UndiciConnection: typeof UndiciConnection }>;

/**
 * A connection on a socket of libc, made with its first request: a third of what Node and undici cost, and two thirds for
 * each further one. They take over with the first answer that is not a regular one, which they then read from its beginning.
 */
export class LibcConnection implements HttpConnection {
  readonly #wire: Wire;
  readonly #load: LoadUndici;
  #successor: HttpConnection | undefined;
  /** The answer in hand was handed over: what was read of it before is none of what its successor counts. */
  #isHandedOver = false;
  #idleLimitMs = 0;
  #idleSinceMs = 0;
  isConnected = false;

  constructor(open: OpenWire, { address, port }: Target, load: LoadUndici) {
    this.#wire = open(address, port);
    this.#load = load;
  }

  get isIdle(): boolean {
    if (this.#successor !== undefined) return this.#successor.isIdle;
    return !this.#wire.isClosed && performance.now() - this.#idleSinceMs < this.#idleLimitMs;
  }

  get isAnswered(): boolean {
    return this.#isHandedOver || (this.#successor ?? this.#wire).isAnswered;
  }

  /** Without an async function: to wait in one costs more than a promise. */
  ask(question: Question, deadline: Deadline, watch: Stopwatch): Promise<Outcome> {
    this.#isHandedOver = false;
    if (this.#successor !== undefined) return this.#successor.ask(question, deadline, watch);
    const answer = new RegularAnswer(question, watch);
    return this.#wire.ask(question.bytes, answer, deadline).then((asked) => {
      this.isConnected ||= answer.isConnected;
      if (asked === 'over') return asked;
      if (asked instanceof Error) return { error: asked };
      if (asked !== 'done') return this.#handOver(asked, question, deadline, watch);
      this.#idleLimitMs = answer.idleLimitMs;
      this.#idleSinceMs = performance.now();
      return answer;
    });
  }

  close(): void {
    this.#wire.close();
    this.#successor?.close();
  }

  async #handOver(left: Left, question: Question, deadline: Deadline, watch: Stopwatch): Promise<Outcome> {
    this.#isHandedOver = true;
    const socket = new LeftSocket(left, question.bytes.length);
    try {
      const { UndiciConnection } = await this.#load();
      this.#successor = new UndiciConnection(socket, socket);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return this.#successor.ask(question, deadline, watch);
  }
}
