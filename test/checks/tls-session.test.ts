import { EventEmitter } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { TlsSession } from '../../checks/lib/tls-session.ts';

const minuteMs = 60_000;

beforeEach(() => void jest.useFakeTimers({ now: Date.UTC(2026, 10, 22) }));
afterEach(() => void jest.useRealTimers());

interface Certificate {
  readonly valid_to: string;
  issuerCertificate?: Certificate;
}

/** A handshake in which the server shows certificates that end after so long, or none as it resumes a session. */
function handshake(endsMs: readonly number[] | 'resumed') {
  const isResumed = endsMs === 'resumed';
  const told = Object.assign(new EventEmitter(), {
    isSessionReused: () => isResumed,
    getPeerCertificate: () => (isResumed ? {} : chainOf(endsMs)),
  });
  return { socket: told as unknown as TLSSocket, ticket: (text: string) => told.emit('session', Buffer.from(text)) };
}

/** Each names the one behind it as its issuer, and the last one itself. */
function chainOf(endsMs: readonly number[]): Certificate | undefined {
  const chain: Certificate[] = endsMs.map((ms) => ({ valid_to: new Date(Date.now() + ms).toUTCString() }));
  for (const [index, certificate] of chain.entries()) certificate.issuerCertificate = chain[index + 1] ?? certificate;
  return chain[0];
}

function resumable(session: TlsSession): string | undefined {
  return session.resumable?.toString();
}

const long = [24 * 60 * minuteMs, 48 * 60 * minuteMs];

test('what comes before a handshake was found good is kept from then on, what comes later at once', () => {
  const session = new TlsSession();
  const { socket, ticket } = handshake(long);
  const isGood = session.follow(socket);
  ticket('first');
  expect(resumable(session)).toBeUndefined();
  isGood();
  expect(resumable(session)).toBe('first');
  ticket('second');
  expect(resumable(session)).toBe('second');
});

test('a handshake that was not found good leaves nothing, and what was forgotten is gone', () => {
  const session = new TlsSession();
  const good = handshake(long);
  session.follow(good.socket)();
  good.ticket('good');
  const bad = handshake(long);
  session.follow(bad.socket);
  bad.ticket('bad');
  expect(resumable(session)).toBe('good');
  session.forget();
  expect(resumable(session)).toBeUndefined();
});

test('ten minutes after a certificate was shown it is to be shown again, however often the session was resumed', () => {
  const session = new TlsSession();
  const whole = handshake(long);
  session.follow(whole.socket)();
  whole.ticket('whole');
  jest.advanceTimersByTime(9 * minuteMs);
  const resumed = handshake('resumed');
  session.follow(resumed.socket)();
  resumed.ticket('resumed');
  expect(resumable(session)).toBe('resumed');
  jest.advanceTimersByTime(minuteMs);
  expect(resumable(session)).toBeUndefined();
});

test.each([
  ['the server', [minuteMs, 48 * 60 * minuteMs]],
  ['its authority', [48 * 60 * minuteMs, minuteMs]],
])('nothing is resumed once the certificate of %s has ended', (_whose, ends) => {
  const session = new TlsSession();
  const { socket, ticket } = handshake(ends);
  session.follow(socket)();
  ticket('ticket');
  jest.advanceTimersByTime(minuteMs - 1);
  expect(resumable(session)).toBe('ticket');
  jest.advanceTimersByTime(1);
  expect(resumable(session)).toBeUndefined();
});

test('a whole handshake lets go of the session before it', () => {
  const session = new TlsSession();
  const first = handshake(long);
  session.follow(first.socket)();
  first.ticket('first');
  session.follow(handshake(long).socket)();
  expect(resumable(session)).toBeUndefined();
});
