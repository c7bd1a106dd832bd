import { describe, expect, test } from '@jest/globals';
import { errorOf, type Libc } from '../../src/net/libc.ts';
import type { Reactor } from '../../src/net/reactor.ts';
import { mostSpare, TcpSockets } from '../../src/net/tcp-sockets.ts';
import { type Asked, createOpenWire } from '../../src/net/wire.ts';
import { ManualDeadline } from '../../src/run/deadline.ts';

const [EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP] = [1, 4, 8, 0x10, 0x2000];
const [ENETUNREACH, ECONNREFUSED, ECONNRESET] = [101, 111, 104];
const EPOLLET = 1 << 31;
const AF_UNSPEC = 0;
const target = '10.0.0.2';
const roomBytes = 16 * 1024;

interface Script {
  /** What each read brings: bytes, the end, an error, or nothing as yet. */
  readonly reads?: readonly (string | Error | undefined)[];
  readonly connect?: number;
  readonly disconnect?: number;
  readonly soError?: number;
  /** What is thought of an answer so far. */
  readonly look?: (bytes: string) => 'wait' | 'done' | 'leave';
  readonly deadline?: ManualDeadline;
}

/** A request over a libc and a reactor that do as the script says, what was done, and what came of it. */
function asking({
  reads = [],
  connect = 0,
  disconnect = 0,
  soError = 0,
  look = () => 'done',
  deadline = new ManualDeadline(),
}: Script) {
  const told: string[] = [];
  const pending = [...reads];
  let ready = (_events: number) => {};
  let atPoll = () => {};
  let sockets = 0;
  const libc: Partial<Libc> = {
    socket: () => 10 + sockets++,
    setsockopt: () => {},
    getsockopt: (_fd, _level, _option, into) => void new Int32Array(into.buffer).fill(soError),
    connect: (fd, [family]) => {
      if (family !== AF_UNSPEC) return connect;
      told.push(`disconnect ${fd}`);
      return disconnect;
    },
    close: (fd) => void told.push(`close ${fd}`),
    send: (_fd, bytes) => void told.push(`send ${Buffer.from(bytes)}`),
    recv: (_fd, into) => {
      const next = pending.shift();
      if (next instanceof Error) throw next;
      return next === undefined ? undefined : Buffer.from(next).copy(into);
    },
  };
  const reactor: Reactor = {
    add: (_fd, events, report) => {
      if ((events & EPOLLET) === 0) throw new Error('an idle connection would be told of again and again');
      ready = report;
      return 7;
    },
    expect: () => {},
    remove: (name) => void told.push(`remove ${name}`),
    release: (name, fd) => void told.push(`release ${name} ${fd}`),
    poll: () => atPoll(),
  };
  const open = createOpenWire(new TcpSockets(libc as Libc, reactor));
  const wire = open(target, 80);
  const asker = {
    connected: () => void told.push('connected'),
    look: (bytes: Buffer) => {
      told.push(`look ${bytes}`);
      return look(bytes.toString());
    },
  };
  let outcome: Asked | undefined;
  let bug: unknown;
  const ask = (request: string, asked = wire) => {
    outcome = undefined;
    asked.ask(Buffer.from(request), asker, deadline).then(
      (asked) => {
        outcome = asked;
      },
      (thrown) => {
        bug = thrown;
      },
    );
  };
  ask('request');
  return {
    wire,
    open,
    sockets: () => sockets,
    ask,
    told,
    deadline,
    ready: (events: number) => ready(events),
    duringPoll: (act: () => void) => {
      atPoll = act;
    },
    outcome: async () => {
      await new Promise(setImmediate);
      return outcome;
    },
    bug: async () => {
      await new Promise(setImmediate);
      return bug;
    },
  };
}

const ended = ['remove 7', 'close 10'];
const spared = ['disconnect 10'];

test('the request goes out as soon as there is a connection, and the answer is looked at until it is whole', async () => {
  const { wire, told, ready, outcome } = asking({
    reads: ['ans', undefined, 'wer'],
    look: (bytes) => (bytes === 'answer' ? 'done' : 'wait'),
  });
  ready(EPOLLOUT);
  expect(told).toEqual(['connected', 'send request']);
  ready(EPOLLIN | EPOLLOUT);
  ready(EPOLLIN | EPOLLOUT);
  expect(await outcome()).toBeUndefined();
  ready(EPOLLIN | EPOLLOUT);
  expect(told.slice(2)).toEqual(['look ans', 'look answer']);
  expect(await outcome()).toBe('done');
  wire.close();
  expect(told.slice(4)).toEqual(spared);
});

test('an answer that came together with its end is looked at, and the connection closed', async () => {
  const { wire, told, ready, outcome } = asking({ reads: ['answer'] });
  ready(EPOLLIN | EPOLLOUT | EPOLLRDHUP);
  expect(await outcome()).toBe('done');
  expect([told.slice(-1), wire.isClosed]).toEqual([spared, true]);
});

test.each([
  ['that somebody else is to read', 'odd', 'leave' as const, EPOLLIN, false],
  ['that ended too early', 'half', 'wait' as const, EPOLLIN | EPOLLRDHUP, false],
  ['whose connection is gone', 'half', 'wait' as const, EPOLLIN | EPOLLRDHUP | EPOLLHUP, true],
  ['that is longer than there is room', 'x'.repeat(roomBytes), 'wait' as const, EPOLLIN | EPOLLHUP, false],
])('an answer %s is left with what was read of it, and its connection open', async (...row) => {
  const [, bytes, next, events, isEnded] = row;
  const { told, deadline, ready, outcome } = asking({ reads: [bytes], look: () => next });
  ready(EPOLLOUT | events);
  expect(await outcome()).toEqual({ fd: 10, bytes: Buffer.from(bytes), isEnded });
  expect(told.at(-1)).toBe('release 7 10');
  expect(deadline.onOver).toBeUndefined();
});

test.each([
  ['at once', { connect: ENETUNREACH }, ENETUNREACH, ['close 10']],
  ['later', { soError: ECONNREFUSED }, ECONNREFUSED, ended],
])('a connection that fails %s is told by its error', async (_name, script, errno, calls) => {
  const { told, ready, outcome } = asking(script);
  ready(EPOLLOUT | EPOLLERR);
  expect(await outcome()).toEqual(errorOf('connect', errno));
  expect(told).toEqual(calls);
});

test('what is no fault of the connection is a bug, and thrown; the connection is closed', async () => {
  const look = () => {
    throw new TypeError('a bug');
  };
  const { told, ready, bug } = asking({ reads: ['answer'], look });
  ready(EPOLLOUT | EPOLLIN);
  expect(await bug()).toEqual(new TypeError('a bug'));
  expect(told.slice(-2)).toEqual(ended);
});

test('an end before the answer is an error', async () => {
  const { told, ready, outcome } = asking({ reads: [''] });
  ready(EPOLLOUT | EPOLLIN | EPOLLRDHUP);
  expect(await outcome()).toMatchObject({ message: 'other side closed' });
  expect(told.slice(-2)).toEqual(ended);
});

test('a reset in the middle of an answer is told by its error', async () => {
  const { told, ready, outcome } = asking({ reads: ['half', errorOf('recv', ECONNRESET)], look: () => 'wait' });
  ready(EPOLLOUT | EPOLLIN);
  ready(EPOLLIN | EPOLLERR);
  expect(await outcome()).toMatchObject({ code: 'ECONNRESET' });
  expect(told.slice(-2)).toEqual(ended);
});

test('a deadline is judged by what has come', async () => {
  const { deadline, ready, duringPoll, outcome } = asking({ reads: ['answer'] });
  duringPoll(() => ready(EPOLLOUT | EPOLLIN));
  deadline.pass();
  expect(await outcome()).toBe('done');
});

test('when the time is up, the connection is ended; and none is made after it', async () => {
  const { told, deadline, ready, outcome } = asking({});
  ready(EPOLLOUT);
  deadline.pass();
  expect(await outcome()).toBe('over');
  expect(told.slice(-2)).toEqual(ended);
  const late = asking({ deadline });
  expect(await late.outcome()).toBe('over');
  expect(late.told).toEqual([]);
});

/** What one wire does once its first request was answered. */
async function answered(reads: Script['reads'] = [], script: Script = {}) {
  const asked = asking({ ...script, reads: ['first', ...reads] });
  asked.ready(EPOLLOUT | EPOLLIN);
  expect(await asked.outcome()).toBe('done');
  asked.told.length = 0;
  return asked;
}

describe('a socket whose last answer came to its end', () => {
  test('serves another wire, which the first can do nothing to', async () => {
    const { wire, open, ask, told, ready, outcome, sockets } = await answered(['second']);
    wire.close();
    const other = open('10.0.0.3', 80);
    ask('other', other);
    wire.close();
    expect([told, sockets()]).toEqual([spared, 1]);
    ready(EPOLLOUT | EPOLLIN);
    expect(await outcome()).toBe('done');
    expect([told.slice(1), wire.isClosed, other.isClosed]).toEqual([
      ['connected', 'send other', 'look second'],
      true,
      false,
    ]);
  });

  test('is nobody’s while it is spare, and of its own family', async () => {
    const { wire, open, ask, told, ready, sockets } = await answered();
    wire.close();
    ready(EPOLLOUT | EPOLLERR | EPOLLHUP);
    ask('other', open('::1', 80));
    expect([told, sockets()]).toEqual([spared, 2]);
  });

  test('is closed where it cannot be disconnected', async () => {
    const { wire, told } = await answered([], { disconnect: ENETUNREACH });
    wire.close();
    expect(told).toEqual([...spared, ...ended]);
  });

  test('is closed where there are enough of them', async () => {
    const { wire, open, ask, told, ready } = await answered(Array.from({ length: mostSpare }, () => 'answer'));
    const wires = [wire, ...Array.from({ length: mostSpare }, () => open(target, 80))];
    for (const one of wires.slice(1)) {
      ask('request', one);
      ready(EPOLLOUT | EPOLLIN);
    }
    told.length = 0;
    for (const one of wires) one.close();
    expect(told.filter((call) => !call.startsWith('disconnect'))).toEqual(['remove 7', `close ${10 + mostSpare}`]);
  });
});

describe('a second request', () => {
  test('goes out at once, on the same connection', async () => {
    const { wire, ask, told, ready, outcome } = await answered([undefined, 'second']);
    ask('again');
    expect([told, wire.isAnswered]).toEqual([['send again'], false]);
    ready(EPOLLIN | EPOLLOUT);
    expect(await outcome()).toBe('done');
    expect([told.at(-1), wire.isAnswered]).toEqual(['look second', true]);
  });

  test.each([['more'], ['']])('is not sent where something came before it: %j', async (bytes) => {
    const { wire, ask, told, outcome } = await answered([bytes]);
    ask('again');
    expect(await outcome()).toMatchObject({ message: 'connection lost' });
    expect([told, wire.isAnswered, wire.isClosed]).toEqual([ended, false, true]);
  });

  test('finds the connection closed when the other side ended it meanwhile', async () => {
    const { wire, ask, told, ready, outcome } = await answered();
    ready(EPOLLOUT);
    expect(wire.isClosed).toBe(false);
    ready(EPOLLIN | EPOLLRDHUP);
    expect([told, wire.isClosed]).toEqual([spared, true]);
    ask('again');
    expect(await outcome()).toMatchObject({ message: 'connection lost' });
  });
});
