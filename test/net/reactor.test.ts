import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { type Libc, loadLibc } from '../../src/net/libc.ts';
import { createReactor } from '../../src/net/reactor.ts';

/** An epoll that reports two names a call, and says whether there are more, as the kernel's does of 256. */
function reactorOfTwo(changes: Partial<Libc> = {}) {
  const names: number[] = [];
  let next = 0;
  const libc: Pick<Libc, 'epoll_create' | 'epoll_add' | 'epoll_wait' | 'watch'> = {
    epoll_create: () => 3,
    epoll_add: (_epollFd, _fd, _events, name) => void names.push(name),
    epoll_wait: (_epollFd, report) => {
      const ready = names.slice(next, next + 2);
      next += 2;
      for (const name of ready) report(name, 1);
      return ready.length === 2;
    },
    watch: () => ({ ref() {}, unref() {}, stop() {} }),
    ...changes,
  };
  return createReactor(libc as Libc);
}

test('a poll tells everybody who is ready, however many they are', () => {
  const reactor = reactorOfTwo();
  const told: number[] = [];
  for (let fd = 10; fd < 17; fd++) reactor.add(fd, 1, () => told.push(fd));
  reactor.poll();
  expect(told).toEqual([10, 11, 12, 13, 14, 15, 16]);
});

test('what was ready when it left is told to nobody who came meanwhile', () => {
  const told: string[] = [];
  const reactor = reactorOfTwo();
  reactor.add(10, 1, () => {
    told.push('first');
    reactor.remove(second);
    reactor.add(12, 1, () => told.push('third'));
  });
  const second = reactor.add(11, 1, () => told.push('second'));
  reactor.poll();
  expect(told).toEqual(['first', 'third']);
});

test('what cannot be added leaves its name to others', () => {
  let isFull = true;
  const added: number[] = [];
  const epoll_add = (_epollFd: number, _fd: number, _events: number, name: number) => {
    if (isFull) throw new Error('no room');
    added.push(name);
  };
  const reactor = reactorOfTwo({ epoll_add });
  expect(() => reactor.add(10, 1, () => {})).toThrow('no room');
  isFull = false;
  reactor.poll();
  reactor.add(11, 1, () => {});
  expect(added).toEqual([0]);
});

test('what cannot be watched is closed', () => {
  const closed: number[] = [];
  const watch = () => {
    throw new Error('no room');
  };
  expect(() => reactorOfTwo({ watch, close: (fd) => void closed.push(fd) })).toThrow('no room');
  expect(closed).toEqual([3]);
});

test('what is released is watched no longer, and its name goes to others', () => {
  const removed: number[][] = [];
  const told: string[] = [];
  const reactor = reactorOfTwo({ epoll_remove: (epollFd, fd) => void removed.push([epollFd, fd]) });
  const name = reactor.add(10, 1, () => told.push('first'));
  reactor.release(name, 10);
  expect(removed).toEqual([[3, 10]]);
  reactor.poll();
  expect(told).toEqual([]);
  expect(reactor.add(11, 1, () => {})).toBe(name);
});

test('on a kernel, a released descriptor that goes on being ready is told to nobody', async () => {
  const libc = loadLibc();
  if (libc === undefined) throw new Error('there is no libc');
  const server = createServer((socket) => socket.on('error', () => {}).write('x')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
  await once(client, 'connect');
  const { fd } = (client as unknown as { _handle: { fd: number } })._handle;
  const reactor = createReactor(libc);
  const told: string[] = [];
  const ready = (by: string) => () => void told.push(by);
  reactor.release(reactor.add(fd, 4, ready('first')), fd);
  reactor.poll();
  const name = reactor.add(fd, 4, ready('second'));
  reactor.poll();
  expect(new Set(told)).toEqual(new Set(['second']));
  reactor.release(name, fd);
  client.destroy();
  server.close();
});
