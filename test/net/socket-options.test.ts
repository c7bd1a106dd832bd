import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { openEchoSocket } from '../../src/net/echo-socket.ts';
import { type Libc, loadLibc } from '../../src/net/libc.ts';
import { TcpSockets } from '../../src/net/tcp-sockets.ts';

/** <asm-generic/socket.h>, <linux/in.h>, <linux/icmp.h>, <linux/icmpv6.h> */
const SOL_SOCKET = 1;
const SO_MARK = 36;
const SOL_RAW = 255;
const IPPROTO_ICMPV6 = 58;
const [ICMP_FILTER, ICMPV6_FILTER] = [1, 1];
/** <linux/capability.h> */
const capabilities = { CAP_NET_ADMIN: 12, CAP_NET_RAW: 13 } as const;

/** `test`, or `test.skip` with a word of why where this process has not the capability. */
function testWithCapability(name: keyof typeof capabilities): typeof test | typeof test.skip {
  const [, effective = ''] = /^CapEff:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  if ((BigInt(`0x${effective}`) >> BigInt(capabilities[name])) % 2n === 1n) return test;
  console.warn(`This process has not ${name}: what needs it is skipped`);
  return test.skip;
}

function libcOf(): Libc {
  const libc = loadLibc();
  if (libc === undefined) throw new Error('koffi does not load here');
  return libc;
}

/** What the kernel has as the option of a socket, in so many words. */
function optionOf(fd: number, level: number, option: number, words: number): Uint32Array {
  const value = new Uint32Array(words);
  libcOf().getsockopt(fd, level, option, new Uint8Array(value.buffer));
  return value;
}

const mark = 0xfedcba98;

testWithCapability('CAP_NET_ADMIN')('a socket for a connection has the mark that is wanted', () => {
  const libc = libcOf();
  const reactor = { add: () => 0, expect: () => {}, remove: () => {}, release: () => {}, poll: () => {} };
  const sockets = new TcpSockets(libc, reactor);
  const socket = sockets.connect('127.0.0.1', 9, { ready: () => {} }, { close: 'rst', mark });
  expect([...optionOf(socket.fd, SOL_SOCKET, SO_MARK, 1)]).toEqual([mark]);
  sockets.close(socket);
});

testWithCapability('CAP_NET_ADMIN')('a socket for echo requests has the mark that is wanted', () => {
  const libc = libcOf();
  const { fd } = openEchoSocket(libc, 'ipv4', { mark });
  expect([...optionOf(fd, SOL_SOCKET, SO_MARK, 1)]).toEqual([mark]);
  libc.close(fd);
});

// Replies, what is unreachable, and what went too far: a bit that is set blocks a type.
testWithCapability('CAP_NET_RAW').each([
  ['ipv4', SOL_RAW, ICMP_FILTER, 1, [0, 3, 11]],
  ['ipv6', IPPROTO_ICMPV6, ICMPV6_FILTER, 8, [1, 3, 129]],
] as const)('a raw socket of %s is woken by answers alone', (version, level, option, words, expected) => {
  const libc = libcOf();
  const { fd, isRaw } = openEchoSocket(libc, version, {});
  const blocked = optionOf(fd, level, option, words);
  const types = Array.from({ length: 32 * words }, (_, type) => type);
  const isBlocked = (type: number) => (((blocked[type >> 5] ?? 0) >>> (type & 31)) & 1) === 1;
  expect([isRaw, types.filter((type) => !isBlocked(type))]).toEqual([true, expected]);
  libc.close(fd);
});
