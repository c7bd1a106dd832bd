import type { Deadline } from '../../src/core/deadline.ts';
import type { Request } from './http-request.ts';
import type { Stopwatch } from './stopwatch.ts';

/** A request, and how much of the answer matters. */
export interface Question {
  readonly request: Request;
  /** The request as it goes out. */
  readonly bytes: Uint8Array;
  /** Whether the body is read, after which the answer counts as a whole. */
  readonly readsBody: (status: number) => boolean;
  /** Whether what was read of it is wanted. */
  readonly keepsBody: boolean;
  readonly maxBytes: number;
}

export interface Answer {
  readonly status: number;
  /** The first `maxBytes` of it. */
  readonly body: Buffer;
}

/** What came of a request; `over`: its time. An error: there was no answer, or not all of it. */
export type Outcome = Answer | 'over' | { readonly error: Error };

/** A connection that HTTP is spoken on, one request after the other. */
export interface HttpConnection {
  /** False: what came of the request is what came of the connection. */
  readonly isConnected: boolean;
  /** It is open, and nothing of the last answer is still to come. */
  readonly isIdle: boolean;
  /** The server has sent something since it was asked last. */
  readonly isAnswered: boolean;
  /** Asks once. Measures `processing` until the status, and `transfer`; and `connect` before, where there is no connection. */
  ask(question: Question, deadline: Deadline, watch: Stopwatch): Promise<Outcome>;
  close(): void;
}

/**
 * As long as an idle connection is kept: the most that undici grants a server's own `Keep-Alive: timeout`. Without such a
 * word from the server undici would close it after 4 s, before the next run of most checks.
 */
export const longestIdleMs = 600_000;
