import type { Asker } from '../../src/net/wire.ts';
import type { Answer, Question } from './http-connection.ts';
import type { Stopwatch } from './stopwatch.ts';

/** RFC 9112, sections 4 and 5, and nothing that one reader may take for this and another for that. */
const regularHead = /^HTTP\/1\.([01]) ([2-5]\d\d) [ -~]*(?:\r\n[!#$%&'*+.^_`|~\dA-Za-z-]+: [!-~](?:[ -~]*[!-~])?)*$/;
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
  /** Nothing of it is to come, nothing came behind it, and the server has said nothing against another request. */
  isLasting = false;
  readonly #question: Question;
  readonly #watch: Stopwatch;
  #bodyStart = 0;
  #bodyLength = 0;
  #hasLastWord = false;

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
    this.isLasting = !this.#hasLastWord && bytes.length === this.#bodyStart + this.#bodyLength;
    return 'done';
  }

  #readHead(bytes: Buffer): boolean {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0 || end > longestHead) return false;
    const head = bytes.toString('latin1', 0, end);
    const [, minor, status] = regularHead.exec(head) ?? [];
    if (status === undefined) return false;
    this.#hasLastWord = minor === '0';
    const length = this.#readFraming(head, Number(status));
    if (length === undefined) return false;
    this.status = Number(status);
    this.#bodyStart = end + 4;
    this.#bodyLength = length;
    this.#watch.lap('processing');
    return true;
  }

  /** RFC 9112, section 6.3; undefined: it has no length of its own, or more than one word says where it ends. */
  #readFraming(head: string, status: number): number | undefined {
    let length: number | undefined;
    for (const [, field = '', value = ''] of head.matchAll(framing)) {
      const name = field.toLowerCase();
      if (name === 'connection' && /^(?:close|keep-alive)$/i.test(value)) {
        this.#hasLastWord ||= value.toLowerCase() === 'close';
      } else if (name === 'content-length' && length === undefined && /^\d{1,15}$/.test(value)) length = Number(value);
      else return undefined;
    }
    if (this.#question.request.method === 'HEAD') return 0;
    if (status === 204) return length === undefined ? 0 : undefined;
    return status === 304 ? undefined : length;
  }
}
