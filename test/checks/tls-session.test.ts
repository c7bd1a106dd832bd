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
  return {
    socket: told as unknown as TLSSocket,
    isGood: () => told.emit('secureConnect'),
    ticket: (text: string) => told.emit('session', Buffer.from(text)),
  };
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

/** Follows a handshake that is found good. */
function take(session: TlsSession, endsMs: readonly number[] | 'resumed') {
  const { socket, isGood, ticket } = handshake(endsMs);
  session.follow(socket);
  isGood();
  return { ticket };
}

test('what comes behind a handshake that was found good is kept, and the last of it counts', () => {
  const session = new TlsSession(true);
  const { ticket } = take(session, long);
  ticket('first');
  expect(resumable(session)).toBe('first');
  ticket('second');
  expect(resumable(session)).toBe('second');
});

test('a handshake that was not found good leaves nothing', () => {
  const session = new TlsSession(true);
  take(session, long).ticket('good');
  const bad = handshake(long);
  session.follow(bad.socket);
  bad.ticket('bad');
  expect(resumable(session)).toBe('good');
});

test('what a server could not resume is gone, and for ten minutes nothing else is kept', () => {
  const session = new TlsSession(true);
  take(session, long).ticket('first');
  session.distrust();
  expect(resumable(session)).toBeUndefined();
  jest.advanceTimersByTime(10 * minuteMs - 1);
  take(session, long).ticket('second');
  expect(resumable(session)).toBeUndefined();
  jest.advanceTimersByTime(1);
  take(session, long).ticket('third');
  expect(resumable(session)).toBe('third');
});

test('ten minutes after a certificate was shown it is to be shown again, however often the session was resumed', () => {
  const session = new TlsSession(true);
  take(session, long).ticket('whole');
  jest.advanceTimersByTime(9 * minuteMs);
  take(session, 'resumed').ticket('resumed');
  expect(resumable(session)).toBe('resumed');
  jest.advanceTimersByTime(minuteMs);
  expect(resumable(session)).toBeUndefined();
});

test.each([
  ['the server', [minuteMs, 48 * 60 * minuteMs]],
  ['its authority', [48 * 60 * minuteMs, minuteMs]],
])('nothing is resumed once the certificate of %s has ended', (_whose, ends) => {
  const session = new TlsSession(true);
  take(session, ends).ticket('ticket');
  jest.advanceTimersByTime(minuteMs - 1);
  expect(resumable(session)).toBe('ticket');
  jest.advanceTimersByTime(1);
  expect(resumable(session)).toBeUndefined();
});

test('certificates that do not count may have ended', () => {
  const session = new TlsSession(false);
  take(session, [-minuteMs]).ticket('ticket');
  expect(resumable(session)).toBe('ticket');
});

test('nothing is resumed where a certificate does not say when it ends', () => {
  const session = new TlsSession(true);
  take(session, [Number.NaN]).ticket('ticket');
  expect(resumable(session)).toBeUndefined();
});

test('a whole handshake lets go of the session before it', () => {
  const session = new TlsSession(true);
  take(session, long).ticket('first');
  take(session, long);
  expect(resumable(session)).toBeUndefined();
});
