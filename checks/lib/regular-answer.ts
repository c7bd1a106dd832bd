import type { Asker } from '../../src/net/ask.ts';
import type { Answer, Question } from './http-connection.ts';
import type { Stopwatch } from './stopwatch.ts';

/** RFC 9112, sections 4 and 5, and nothing that one reader may take for this and another for that. */
const regularHead = /^HTTP\/1\.[01] ([2-5]\d\d) [ -~]*(?:\r\n[!#$%&'*+.^_`|~\dA-Za-z-]+: [!-~](?:[ -~]*[!-~])?)*$/;
const longestHead = 8 * 1024;

/** Fields that say where the answer ends, and whether it is one. */
const framing = /\r\n(content-length|transfer-encoding|connection|upgrade): ([^\r]*)/gi;
const nothing = Buffer.alloc(0);

/**
 * Reads an answer in which nothing is unusual: its head comes in one piece and is beyond doubt, and its body has a length.
 * Such answers mean the same to everybody. All others are left to undici, which knows HTTP.
 */
export class RegularAnswer implements Asker, Answer {
  /** 0 until the head is there. */
  status = 0;
  body: Buffer = nothing;
  isConnected = false;
  readonly #question: Question;
  readonly #watch: Stopwatch;
  #bodyStart = 0;
  #bodyEnd = 0;

  constructor(question: Question, watch: Stopwatch) {
    this.#question = question;
    this.#watch = watch;
  }

  connected(): void {
    this.isConnected = true;
    this.#watch.lap('connect');
  }

  look(bytes: Buffer): 'wait' | 'done' | 'leave' {
    const { readsBody, keepsBody } = this.#question;
    if (this.status === 0 && !this.#readHead(bytes)) return 'leave';
    if (!readsBody(this.status)) return 'done';
    if (bytes.length < this.#bodyEnd) return 'wait';
    this.#watch.lap('transfer');
    if (keepsBody) this.body = Buffer.from(bytes.subarray(this.#bodyStart, this.#bodyEnd));
    return 'done';
  }

  #readHead(bytes: Buffer): boolean {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0 || end > longestHead) return false;
    const head = bytes.toString('latin1', 0, end);
    const status = Number(regularHead.exec(head)?.[1] ?? 0);
    const { request, maxBytes } = this.#question;
    const length = bodyLength(head, request.method, status);
    if (status === 0 || length === undefined) return false;
    this.status = status;
    this.#bodyStart = end + 4;
    this.#bodyEnd = this.#bodyStart + Math.min(length, maxBytes);
    this.#watch.lap('processing');
    return true;
  }
}

/** RFC 9112, section 6.3; undefined: it has no length of its own, or more than one word says where it ends. */
function bodyLength(head: string, method: string, status: number): number | undefined {
  let length: number | undefined;
  for (const [, name = '', value = ''] of head.matchAll(framing)) {
    if (name.toLowerCase() === 'connection') {
      if (!/^(?:close|keep-alive)$/i.test(value)) return undefined;
    } else if (name.toLowerCase() !== 'content-length' || length !== undefined || !/^\d{1,15}$/.test(value)) {
      return undefined;
    } else length = Number(value);
  }
  if (method === 'HEAD') return 0;
  if (status === 204) return length === undefined ? 0 : undefined;
  return status === 304 ? undefined : length;
}
