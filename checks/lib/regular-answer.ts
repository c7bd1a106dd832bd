import type { Asker } from '../../src/net/wire.ts';
import { type Answer, longestIdleMs, type Question } from './http-connection.ts';
import type { Stopwatch } from './stopwatch.ts';

/** RFC 9112, sections 4 and 5, and nothing that one reader may take for this and another for that. */
const regularHead = /^HTTP\/1\.([01]) ([2-5]\d\d) [ -~]*(?:\r\n[!#$%&'*+.^_`|~\dA-Za-z-]+: [!-~](?:[ -~]*[!-~])?)*$/;
const longestHead = 8 * 1024;

/** Fields that say where the answer ends, whether it is one, and what becomes of the connection. */
const framing = /\r\n(content-length|transfer-encoding|connection|proxy-connection|keep-alive|upgrade): ([^\r]*)/gi;
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
  /** For how long the connection is good for another request: 0 where it is not. */
  idleLimitMs = 0;
  readonly #question: Question;
  readonly #watch: Stopwatch;
  #bodyStart = 0;
  #bodyLength = 0;
  /** What the server grants. */
  #grantedMs = longestIdleMs;

  constructor(question: Question, watch: Stopwatch) {
    this.#question = question;
    this.#watch = watch;
  }

  connected(): void {
    this.isConnected = true;
    this.#watch.lap('connect');
  }

  look(bytes: Buffer): 'wait' | 'done' | 'leave' {
    const { readsBody, keepsBody, maxBytes } = this.#question;
    if (this.status === 0 && !this.#readHead(bytes)) return 'leave';
    if (!readsBody(this.status)) return 'done';
    const end = this.#bodyStart + Math.min(this.#bodyLength, maxBytes);
    if (bytes.length < end) return 'wait';
    this.#watch.lap('transfer');
    if (keepsBody) this.body = Buffer.from(bytes.subarray(this.#bodyStart, end));
    // Nothing of it is to come, and nothing came behind it.
    if (bytes.length === this.#bodyStart + this.#bodyLength) this.idleLimitMs = this.#grantedMs;
    return 'done';
  }

  #readHead(bytes: Buffer): boolean {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0 || end > longestHead) return false;
    const head = bytes.toString('latin1', 0, end);
    const [, minor, digits] = regularHead.exec(head) ?? [];
    const status = Number(digits);
    const length = digits === undefined ? undefined : this.#readFraming(head, Number(minor), status);
    if (length === undefined) return false;
    this.status = status;
    this.#bodyStart = end + 4;
    this.#bodyLength = length;
    this.#watch.lap('processing');
    return true;
  }

  /** RFC 9112, section 6.3; undefined: it has no length of its own, or says something that needs more thought. */
  #readFraming(head: string, minor: number, status: number): number | undefined {
    let length: number | undefined;
    if (minor === 0) this.#grantedMs = 0;
    for (const [, field = '', value = ''] of head.matchAll(framing)) {
      const name = field.toLowerCase();
      if (name === 'content-length' && length === undefined && /^\d{1,15}$/.test(value)) length = Number(value);
      else if (name === 'connection' && minor === 1 && /^(?:close|keep-alive)$/i.test(value)) {
        if (value.toLowerCase() === 'close') this.#grantedMs = 0;
      } else if (name === 'keep-alive') this.#grantedMs = Math.min(this.#grantedMs, grantedMs(value));
      else return undefined;
    }
    if (status === 304) return undefined;
    if (status === 204) return length === undefined ? 0 : undefined;
    if (this.#question.request.method === 'HEAD') {
      // It might as well be one whose body ends with the connection.
      if (length === undefined) this.#grantedMs = 0;
      return 0;
    }
    return length;
  }
}

/** `timeout=5, max=100`; less what undici also takes off, so that the server does not close first. */
function grantedMs(keepAlive: string): number {
  const [, seconds] = /timeout=(\d{1,6})/.exec(keepAlive) ?? [];
  return seconds === undefined ? longestIdleMs : Math.max(0, Number(seconds) * 1000 - 2000);
}
