import { expect, test } from '@jest/globals';
import type { Libc } from '../../src/net/libc.ts';
import { createConnect } from '../../src/net/tcp.ts';
import { ManualDeadline } from '../../src/run/deadline.ts';

const EPOLLOUT = 4;
const [SO_LINGER, IP_BIND_ADDRESS_NO_PORT] = [13, 24];
const rttMicroseconds = 250;
const target = ['10.0.0.2', 80] as const;

/** A libc that says which calls were made, and whose connections are there at the next call of `ready`. */
function connecting(setsockopt: (option: number) => void = () => {}) {
  const calls: string[] = [];
  let ready = (_events: number) => {};
  const libc: Pick<Libc, 'socket' | 'setsockopt' | 'getsockopt' | 'bind' | 'connect' | 'close'> = {
    socket: () => 10,
    setsockopt: (_fd, _level, option) => {
      calls.push(`setsockopt ${option}`);
      setsockopt(option);
    },
    getsockopt: (_fd, _level, _option, into) => new Uint32Array(into.buffer).fill(rttMicroseconds),
    bind: () => void calls.push('bind'),
    connect: () => 0,
    close: (fd) => void calls.push(`close ${fd}`),
  };
  const connect = createConnect(libc as Libc, {
    add: (_fd, _events, report) => {
      ready = report;
      return 1;
    },
    remove: () => {},
    poll: () => ready(EPOLLOUT),
  });
  return { connect, calls, ready: () => ready(EPOLLOUT) };
}

test('a source is bound to without a port, which would be taken from every destination', async () => {
  const { connect, calls, ready } = connecting();
  const outcome = connect(...target, { close: 'fin', source: '10.0.0.1' }, new ManualDeadline());
  ready();
  expect(await outcome).toEqual({ rttMs: 0.25 });
  expect(calls).toEqual([`setsockopt ${IP_BIND_ADDRESS_NO_PORT}`, 'bind', 'close 10']);
});

test('an error once the connection is there is what came of it, and the socket is closed', async () => {
  const { connect, calls, ready } = connecting((option) => {
    if (option === SO_LINGER) throw new Error('no lingering');
  });
  const outcome = connect(...target, { close: 'rst' }, new ManualDeadline());
  ready();
  expect(await outcome).toEqual(new Error('no lingering'));
  expect(calls).toEqual([`setsockopt ${SO_LINGER}`, 'close 10']);
});
