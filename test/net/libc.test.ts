import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { type Libc, libcFault, loadLibc } from '../../src/net/libc.ts';

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const EPOLLIN = 1;

/** `struct sockaddr_in` of 127.0.0.1. */
function loopback(port: number): Uint8Array {
  return Uint8Array.of(AF_INET, 0, port >> 8, port & 255, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
}

/** What Node has only behind a flag. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

function libcOf(): Libc {
  const libc = loadLibc();
  if (libc === undefined) throw new Error('koffi does not load here');
  return libc;
}

test('a call that fails throws what errno says', () => {
  const { socket, close } = libcOf();
  expect(() => socket(999, SOCK_STREAM, 0)).toThrow(
    expect.objectContaining({ code: 'EAFNOSUPPORT', errno: -97, syscall: 'socket' }),
  );
  expect(() => close(-1)).toThrow(expect.objectContaining({ code: 'EBADF' }));
});

test('datagrams are sent and received, and a socket without one says so', async () => {
  const libc = libcOf();
  const peer = createSocket('udp4').bind(0, '127.0.0.1');
  await once(peer, 'listening');
  const fd = libc.socket(AF_INET, SOCK_DGRAM, 0);
  libc.bind(fd, loopback(0));
  const into = new Uint8Array(16);
  const from = new Uint8Array(16);
  expect(libc.recvfrom(fd, into, from)).toBeUndefined();
  libc.sendto(fd, Buffer.from('ping'), loopback(peer.address().port));
  const [message, { port }] = await once(peer, 'message');
  expect(String(message)).toBe('ping');
  peer.send('pong!', port, '127.0.0.1');
  let length: number | undefined;
  while (length === undefined) {
    await turn();
    length = libc.recvfrom(fd, into, from);
  }
  expect(String(Buffer.from(into.subarray(0, length)))).toBe('pong!');
  expect(from).toEqual(loopback(peer.address().port));
  libc.close(fd);
  peer.close();
});

test('options are set and read', () => {
  const libc = libcOf();
  const fd = libc.socket(AF_INET, SOCK_STREAM, 0);
  const [SOL_SOCKET, SO_LINGER] = [1, 13];
  libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, new Uint8Array(Int32Array.of(1, 7).buffer));
  const into = new Int32Array(2);
  libc.getsockopt(fd, SOL_SOCKET, SO_LINGER, new Uint8Array(into.buffer));
  expect([...into]).toEqual([1, 7]);
  libc.close(fd);
});

test('a connection that is not there at once is told by its errno', () => {
  const libc = libcOf();
  const fd = libc.socket(AF_INET, SOCK_STREAM, 0);
  const EINPROGRESS = 115;
  expect(libc.connect(fd, loopback(1))).toBe(EINPROGRESS);
  libc.close(fd);
});

test('an epoll reports what is ready, and Node’s loop that the epoll is, garbage collected or not', async () => {
  const libc = libcOf();
  const epollFd = libc.epoll_create();
  const peer = createSocket('udp4').bind(0, '127.0.0.1');
  await once(peer, 'listening');
  const fd = libc.socket(AF_INET, SOCK_DGRAM, 0);
  libc.epoll_add(epollFd, fd, EPOLLIN, 7);
  const ready: number[][] = [];
  libc.epoll_wait(epollFd, (...event) => ready.push(event));
  expect(ready).toEqual([]);

  const reported = new Promise<void>((resolve) => {
    libc.watch(epollFd, () => setImmediate(resolve)).unref();
  });
  await turn();
  collectGarbage();
  await turn();
  libc.sendto(fd, Buffer.from('ping'), loopback(peer.address().port));
  const [, { port }] = await once(peer, 'message');
  peer.send('pong', port, '127.0.0.1');
  await reported;
  libc.epoll_wait(epollFd, (...event) => ready.push(event));
  expect(ready).toEqual([[7, EPOLLIN]]);
  libc.close(fd);
  peer.close();
});

test('an epoll says whether there was room for all that are ready', () => {
  const libc = libcOf();
  const EPOLLOUT = 4;
  const epollFd = libc.epoll_create();
  const ready = new Set<number>();
  const opened = Array.from({ length: 300 }, (_, name) => {
    const fd = libc.socket(AF_INET, SOCK_DGRAM, 0);
    libc.epoll_add(epollFd, fd, EPOLLOUT, name);
    return fd;
  });
  const wait = () => libc.epoll_wait(epollFd, (name) => ready.add(name));
  expect(wait()).toBe(true);
  expect(ready.size).toBe(256);
  wait();
  expect(ready.size).toBe(300);
  for (const fd of opened.slice(1)) libc.close(fd);
  expect(wait()).toBe(false);
  for (const fd of [epollFd, ...opened.slice(0, 1)]) libc.close(fd);
});

/** Runs a module of the built program in a process of its own, which must end well, and returns what it prints. */
function runApart(program: string): string {
  const cwd = join(__dirname, '../..');
  return execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd, encoding: 'utf8' });
}

test('a process ends well while a descriptor that is watched can be read', () => {
  const program = `
    import { loadLibc } from './dist/src/net/libc.js';
    const libc = loadLibc();
    const epollFd = libc.epoll_create();
    libc.epoll_add(epollFd, libc.socket(${AF_INET}, ${SOCK_DGRAM}, 0), 4, 1);
    libc.watch(epollFd, () => {}).unref();
    console.log('watched');`;
  expect(runApart(program)).toBe('watched\n');
});

test('a version of koffi that cannot watch is none', () => {
  const program = `
    import koffi from 'koffi';
    koffi.node = {};
    const { libcFault, loadLibc } = await import('./dist/src/net/libc.js');
    console.log(loadLibc(), libcFault());`;
  expect(runApart(program)).toBe('undefined koffi: this version has no node.poll\n');
});

test.each([
  ['is not installed', "request === 'koffi'", 'koffi is not installed'],
  ['has no binary for this machine', "request.includes('@koromix')", 'koffi: Cannot find module @koromix'],
])('why there is no libc is told where koffi %s', (_what, isMissing, fault) => {
  const program = `
    import Module from 'node:module';
    const resolve = Module._resolveFilename;
    Module._resolveFilename = (request, ...more) => {
      if (!(${isMissing})) return resolve(request, ...more);
      throw Object.assign(new Error('Cannot find module @koromix\\nRequire stack:'), { code: 'MODULE_NOT_FOUND' });
    };
    const { libcFault, loadLibc } = await import('./dist/src/net/libc.js');
    console.log(loadLibc(), libcFault());`;
  expect(runApart(program)).toBe(`undefined ${fault}\n`);
});

test('where there is libc there is no fault', () => {
  expect([typeof loadLibc(), libcFault()]).toEqual(['object', undefined]);
});
