import type { Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import type { Deadline } from '../../src/core/deadline.ts';
import { codeOf } from './fault.ts';
import { type HttpConnection, longestIdleMs, type Outcome, type Question } from './http-connection.ts';
import { drop, LeftSocket } from './socket.ts';
import type { Stopwatch } from './stopwatch.ts';

/** Headers, early answers and the frames of chunks have room in it, and what is read ahead of a body. */
const overheadBytes = 256 * 1024;

/** A connection on a socket of Node, over TLS or plain. */
export class UndiciConnection implements HttpConnection {
  readonly isConnected = true;
  readonly #transport: Socket;
  readonly #socket: Socket;
  readonly #client: Client;
  #bytesBefore = 0;
  #answerLimit = 0;
  #isWhole = false;

  /** `socket` is ready for the first byte: `transport` itself, or TLS over it. */
  constructor(transport: Socket, socket: Socket) {
    this.#transport = transport;
    this.#socket = socket;
    this.#client = clientOver(socket);
    // Whatever a server sends beside the body, it does not keep us reading until the deadline.
    socket.on('readable', () => {
      const limit = this.#answerLimit;
      if (socket.bytesRead - this.#bytesBefore > limit) socket.destroy(new Error(`more than ${limit} bytes`));
    });
  }

  get isIdle(): boolean {
    return this.#isWhole && !this.#socket.destroyed;
  }

  get isAnswered(): boolean {
    return this.#socket.bytesRead > this.#bytesBefore;
  }

  ask(question: Question, deadline: Deadline, watch: Stopwatch): Promise<Outcome> {
    this.#isWhole = false;
    this.#bytesBefore = this.#socket.bytesRead;
    this.#answerLimit = question.maxBytes + overheadBytes;
    return new Promise((resolve) => {
      const onOver = () => settle('over');
      const settle = (outcome: Outcome) => {
        // Late news must not take the deadline from another step.
        if (deadline.onOver === onOver) deadline.onOver = undefined;
        resolve(outcome);
      };
      deadline.onOver = onOver;
      if (deadline.isOver) {
        if (!(this.#socket instanceof LeftSocket && this.#socket.isUnread)) return settle('over');
        // What had come by then counts: what was read of it, and what one more poll phase brings.
        setImmediate(() => setImmediate(onOver));
      }
      this.#client.dispatch(question.request, this.#reader(question, watch, settle));
    });
  }

  close(): void {
    drop(this.#transport);
  }

  #reader(
    { request, readsBody, keepsBody, maxBytes }: Question,
    watch: Stopwatch,
    settle: (outcome: Outcome) => void,
  ): Dispatcher.DispatchHandler {
    const chunks: Buffer[] = [];
    let length = 0;
    let status = 0;
    let isDone = false;
    const finish = () => {
      isDone = true;
      settle({ status, body: Buffer.concat(chunks, keepsBody ? Math.min(length, maxBytes) : 0) });
    };
    return {
      onRequestStart: () => {},
      onResponseStart: (_controller, statusCode) => {
        // What goes before the answer is not the answer.
        if (statusCode < 200) return;
        status = statusCode;
        watch.lap('processing');
        // A 304 tells the length of a body that does not follow (RFC 9110, section 8.6), which undici would miss.
        if (!readsBody(status) || status === 304) finish();
      },
      onResponseData: (_controller, chunk) => {
        if (isDone) return;
        if (keepsBody) chunks.push(chunk);
        length += chunk.length;
        if (length < maxBytes) return;
        watch.lap('transfer');
        finish();
      },
      onResponseEnd: () => {
        // Undici takes a reset for the end of a body that has no length of its own.
        const { errored } = this.#socket;
        this.#isWhole = true;
        // Before undici closes it in good order.
        if (request.reset === true) this.close();
        if (isDone) return;
        watch.lap('transfer');
        if (errored !== null && codeOf(errored) === 'ECONNRESET') settle({ error: errored });
        else finish();
      },
      onResponseError: (_controller, error) => settle({ error }),
    };
  }
}

/** The deadline is the runner's alone. */
function clientOver(socket: Socket): Client {
  return new Client('http://server', {
    // Undici forgets the request when the socket is handed over before it has returned from asking for it; and it asks
    // for another when it loses one that the request had not used: what it had was all there is.
    connect: (_options, handOver) =>
      queueMicrotask(() => (socket.destroyed ? handOver(lossOf(socket), null) : handOver(null, socket))),
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: longestIdleMs,
    keepAliveMaxTimeout: longestIdleMs,
  });
}

function lossOf(socket: Socket): Error {
  // Without a code: undici would try again for ever after one of its own.
  return new Error(socket.errored?.message ?? 'connection closed before the request was sent');
}
