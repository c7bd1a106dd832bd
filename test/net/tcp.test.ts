import { expect, test } from '@jest/globals';
import type { Libc } from '../../src/net/libc.ts';
import type { Reactor } from '../../src/net/reactor.ts';
import { createConnect } from '../../src/net/tcp.ts';
import { mostSpare, TcpSockets } from '../../src/net/tcp-sockets.ts';
import { ManualDeadline } from '../../src/run/deadline.ts';

const [EPOLLOUT, EPOLLHUP, EPOLLET] = [4, 0x10, 1 << 31];
const [SO_LINGER, IP_BIND_ADDRESS_NO_PORT] = [13, 24];
const [AF_UNSPEC, AF_INET, AF_INET6] = [0, 2, 10];
/** <linux/tcp.h>: so many words of `struct tcp_info` are before `tcpi_rtt`. */
const wordsBeforeRtt = 17;
const target = ['10.0.0.2', 80] as const;

/** Gives an answer of TCP_INFO in which all else is another number. */
function tellRtt(into: Uint8Array, microseconds: number): void {
  new Uint32Array(into.buffer).fill(77).fill(microseconds, wordsBeforeRtt, wordsBeforeRtt + 1);
}

/**
 * A libc that says which calls were made. At the next call of `ready`, connections are there, and sockets that were
 * disconnected tell of that: once, as EPOLLET has it.
 */
function connecting(changes: Partial<Libc> = {}) {
  const calls: string[] = [];
  const waiting = new Map<number, (events: number) => void>();
  const changed = new Map<number, number>();
  let fd = 9;
  const libc: Partial<Libc> = {
    socket: (family) => {
      fd += 1;
      calls.push(`socket ${family} is ${fd}`);
      return fd;
    },
    setsockopt: (of, _level, option) => void calls.push(`setsockopt ${of} ${option}`),
    getsockopt: (_fd, _level, _option, into) => tellRtt(into, 250),
    bind: (of) => void calls.push(`bind ${of}`),
    close: (of) => void calls.push(`close ${of}`),
    ...changes,
    connect: (of, address) => {
      const isEnd = address[0] === AF_UNSPEC;
      changed.set(of, isEnd ? EPOLLHUP : EPOLLOUT);
      calls.push(`${isEnd ? 'disconnect' : 'connect'} ${of}`);
      return changes.connect?.(of, address) ?? 0;
    },
  };
  const reactor: Reactor = {
    add: (of, events, report) => {
      if ((events & EPOLLET) === 0) throw new Error('it would be told again and again');
      waiting.set(of, report);
      return of;
    },
    expect: () => {},
    remove: (name) => void waiting.delete(name),
    release: () => {},
    poll: () => {},
  };
  const connect = createConnect(new TcpSockets(libc as Libc, reactor));
  const ready = () => {
    const news = [...changed];
    changed.clear();
    for (const [name, events] of news) waiting.get(name)?.(events);
  };
  return { connect, calls, ready };
}

test('a source is bound to without a port, which would be taken from every destination', async () => {
  const { connect, calls, ready } = connecting();
  const outcome = connect(...target, { close: 'fin', source: '10.0.0.1' }, new ManualDeadline());
  ready();
  expect(await outcome).toEqual({ rttMs: 0.25 });
  expect(calls).toEqual([
    `socket ${AF_INET} is 10`,
    `setsockopt 10 ${IP_BIND_ADDRESS_NO_PORT}`,
    'bind 10',
    'connect 10',
    'close 10',
  ]);
});

test('no round trip is told where the kernel measured none', async () => {
  const { connect, ready } = connecting({ getsockopt: (_fd, _level, _option, into) => tellRtt(into, 0) });
  const outcome = connect(...target, { close: 'rst' }, new ManualDeadline());
  ready();
  expect(await outcome).toStrictEqual({ rttMs: undefined });
});

test('an error once the connection is there is what came of it, and the socket is closed', async () => {
  const getsockopt = () => {
    throw new Error('no information');
  };
  const { connect, calls, ready } = connecting({ getsockopt });
  const outcome = connect(...target, { close: 'rst' }, new ManualDeadline());
  ready();
  expect(await outcome).toEqual(new Error('no information'));
  expect(calls.at(-1)).toBe('close 10');
});

test('a socket whose connection was reset is connected again, for its family alone', async () => {
  const { connect, calls, ready } = connecting();
  for (const address of ['10.0.0.2', 'fd00::2', '10.0.0.3', 'fd00::3']) {
    const outcome = connect(address, 80, { close: 'rst' }, new ManualDeadline());
    ready();
    await outcome;
  }
  expect(calls).toEqual([
    `socket ${AF_INET} is 10`,
    `setsockopt 10 ${SO_LINGER}`,
    'connect 10',
    'disconnect 10',
    `socket ${AF_INET6} is 11`,
    `setsockopt 11 ${SO_LINGER}`,
    'connect 11',
    'disconnect 11',
    'connect 10',
    'disconnect 10',
    'connect 11',
    'disconnect 11',
  ]);
});

test.each([
  ['that was bound to an address', { close: 'rst', source: '10.0.0.1' }],
  ['that was bound to an interface', { close: 'rst', interface: 'eth1' }],
  ['that has a mark', { close: 'rst', mark: 7 }],
  ['that is to end in good order', { close: 'fin' }],
] as const)('a socket %s is closed after its run', async (_which, options) => {
  const { connect, calls, ready } = connecting();
  const outcome = connect(...target, options, new ManualDeadline());
  ready();
  await outcome;
  expect(calls.at(-1)).toBe('close 10');
});

test('a socket that had no connection, or cannot let go of it, is closed', async () => {
  const refusing = connecting({ connect: () => 111 });
  expect(await refusing.connect(...target, { close: 'rst' }, new ManualDeadline())).toMatchObject({
    code: 'ECONNREFUSED',
  });
  const clinging = connecting({ connect: (_fd, [family]) => (family === AF_UNSPEC ? 22 : 0) });
  const outcome = clinging.connect(...target, { close: 'rst' }, new ManualDeadline());
  clinging.ready();
  expect(await outcome).toEqual({ rttMs: 0.25 });
  const late = connecting();
  const deadline = new ManualDeadline();
  const awaited = late.connect(...target, { close: 'rst' }, deadline);
  deadline.pass();
  expect(await awaited).toBe('over');
  for (const { calls } of [refusing, clinging, late]) expect(calls.at(-1)).toBe('close 10');
});

test('no more sockets are spare than are counted for it', async () => {
  const { connect, calls, ready } = connecting();
  const outcomes = Array.from({ length: mostSpare + 3 }, () =>
    connect(...target, { close: 'rst' }, new ManualDeadline()),
  );
  ready();
  await Promise.all(outcomes);
  expect(calls.filter((call) => call.startsWith('close'))).toHaveLength(3);
});

test('a spare socket that cannot be connected again is closed, once, and is not spare any more', async () => {
  let connects = 0;
  const { connect, calls, ready } = connecting({
    // The first connection comes about and is reset; the second fails at once.
    connect: () => (++connects === 3 ? 101 : 0),
  });
  const first = connect(...target, { close: 'rst' }, new ManualDeadline());
  ready();
  await first;
  expect(await connect(...target, { close: 'rst' }, new ManualDeadline())).toMatchObject({ code: 'ENETUNREACH' });
  const third = connect(...target, { close: 'rst' }, new ManualDeadline());
  ready();
  expect(await third).toEqual({ rttMs: 0.25 });
  expect(calls.filter((call) => /^(close|socket)/.test(call))).toEqual([
    `socket ${AF_INET} is 10`,
    'close 10',
    `socket ${AF_INET} is 11`,
  ]);
});
