import { describe, expect, test } from '@jest/globals';
import { ipToBytes } from '../../src/core/address.ts';
import { createEcho, type Echoed } from '../../src/net/echo.ts';
import { internetChecksum } from '../../src/net/icmp-message.ts';
import type { Libc } from '../../src/net/libc.ts';
import { ManualDeadline } from '../../src/run/deadline.ts';

const SOCK_DGRAM = 2;
const target = '10.0.0.2';

interface Packet {
  readonly from: string;
  readonly bytes: Uint8Array;
}

/** A network that answers what the test has it answer; `isAllowed` is asked before a socket of that type is opened. */
function network(isAllowed: (type: number) => boolean = (type) => type !== SOCK_DGRAM) {
  const sent: Uint8Array[] = [];
  const arrived: Packet[] = [];
  let sockets = 0;
  let read = () => {};
  const refuse = (code: string) => {
    throw Object.assign(new Error(code), { code });
  };
  const libc: Pick<Libc, 'socket' | 'setsockopt' | 'sendto' | 'recvfrom' | 'close'> = {
    socket: (_family, type) => {
      if (!isAllowed(type)) return refuse('EACCES');
      sockets += 1;
      return 10;
    },
    setsockopt: () => {},
    close: () => {},
    sendto: (_fd, message) => void sent.push(Uint8Array.from(message)),
    recvfrom: (_fd, into, address) => {
      const packet = arrived.shift();
      if (packet === undefined) return undefined;
      if (packet.from === 'error') return refuse('EHOSTUNREACH');
      into.set(packet.bytes);
      address.set(ipToBytes(packet.from), 4);
      return packet.bytes.length;
    },
  };
  const poll = () => read();
  const echo = createEcho(libc as Libc, {
    add: (_fd, _events, waiter) => {
      read = () => waiter.ready(1);
      return 1;
    },
    remove: () => {},
    poll,
  });
  return { echo, sent, arrived, poll, sockets: () => sockets };
}

/** What came of a request by now. */
async function ping(net: ReturnType<typeof network>, deadline = new ManualDeadline()) {
  let outcome: Echoed | undefined;
  void net.echo(target, {}, deadline).then((echoed) => {
    outcome = echoed;
  });
  return async () => {
    net.poll();
    await new Promise((resolve) => setImmediate(resolve));
    return outcome;
  };
}

/** The reply to a request as a raw socket has it: with an IP header, and a checksum that is right. */
function replyTo(request: Uint8Array, change: (message: Uint8Array) => void = () => {}, from = target): Packet {
  const message = Uint8Array.from(request);
  message.set([0, 0, 0, 0]);
  change(message);
  const sum = internetChecksum(message);
  message.set([sum >> 8, sum & 0xff], 2);
  return { from, bytes: behindHeader(message, from, '10.0.0.1') };
}

function behindHeader(message: Uint8Array, from: string, to: string): Uint8Array {
  const header = [0x45, 0, 0, 0, 0, 0, 0, 0, 64, 1, 0, 0, ...ipToBytes(from), ...ipToBytes(to)];
  return Uint8Array.of(...header, ...message);
}

/** The word of a router about a request that it quotes so much of. */
function errorAbout(request: Uint8Array, { to = target, quoted = request.length } = {}): Packet {
  const quote = behindHeader(request.subarray(0, quoted), '10.0.0.1', to);
  const message = Uint8Array.of(3, 1, 0, 0, 0, 0, 0, 0, ...quote);
  const sum = internetChecksum(message);
  message.set([sum >> 8, sum & 0xff], 2);
  return { from: '10.0.0.254', bytes: behindHeader(message, '10.0.0.254', '10.0.0.1') };
}

test('the reply to a request passes with its round trip', async () => {
  const net = network();
  const outcome = await ping(net);
  const [request = new Uint8Array()] = net.sent;
  net.arrived.push(replyTo(request));
  expect(await outcome()).toEqual({ rttMs: expect.any(Number) });
});

describe('is not taken for the reply:', () => {
  const forgeries: Readonly<Record<string, (request: Uint8Array) => Packet>> = {
    'one from another address': (request) => replyTo(request, () => {}, '10.0.0.3'),
    'one of another id': (request) => replyTo(request, (message) => (message[4] = (message[4] ?? 0) ^ 1)),
    'one of another sequence': (request) => replyTo(request, (message) => (message[7] = (message[7] ?? 0) ^ 1)),
    'one of another payload': (request) => replyTo(request, (message) => (message[8] = (message[8] ?? 0) ^ 1)),
    'one that is cut off': (request) => replyTo(request.subarray(0, -1)),
    'one of a wrong checksum': (request) => {
      const { from, bytes } = replyTo(request);
      bytes[22] = (bytes[22] ?? 0) ^ 1;
      return { from, bytes };
    },
    'a request': (request) => replyTo(request, (message) => (message[0] = 8)),
    'an error about another target': (request) => errorAbout(request, { to: '10.0.0.3' }),
    'an empty packet': () => ({ from: target, bytes: new Uint8Array() }),
    'an error of the socket': () => ({ from: 'error', bytes: new Uint8Array() }),
  };

  test.each(Object.keys(forgeries))('%s', async (name) => {
    const net = network();
    const outcome = await ping(net);
    const [request = new Uint8Array()] = net.sent;
    const forged = forgeries[name]?.(request);
    if (forged) net.arrived.push(forged);
    expect(await outcome()).toBeUndefined();
    net.arrived.push(replyTo(request));
    expect(await outcome()).toMatchObject({ rttMs: expect.any(Number) });
  });
});

test.each([64, 8, 20])('the word of a router counts, with %d bytes of the request', async (quoted) => {
  const net = network();
  const outcome = await ping(net);
  const [request = new Uint8Array()] = net.sent;
  net.arrived.push(errorAbout(request, { quoted }));
  expect(await outcome()).toEqual({ refusal: 'Destination Host Unreachable' });
});

test('a reply that has arrived by the deadline counts; one that comes later, or twice, is nobody’s', async () => {
  const net = network();
  const deadline = new ManualDeadline();
  const [inTime, late] = [await ping(net, deadline), await ping(net, deadline)];
  const [first = new Uint8Array(), second = new Uint8Array()] = net.sent;
  net.arrived.push(replyTo(second));
  deadline.pass();
  expect(await late()).toMatchObject({ rttMs: expect.any(Number) });
  expect(await inTime()).toBeUndefined();
  net.arrived.push(replyTo(second), replyTo(first));
  expect(await inTime()).toMatchObject({ rttMs: expect.any(Number) });
});

test('two requests never look alike, and go over one socket', async () => {
  const net = network();
  await Promise.all([ping(net), ping(net), ping(net)]);
  expect(new Set(net.sent.map((request) => String(request.subarray(6, 8)))).size).toBe(3);
  expect(new Set(net.sent.map((request) => String(request.subarray(8)))).size).toBe(3);
  expect(net.sockets()).toBe(1);
});

test('a deadline that passes ends the request, and one that has passed sends none', async () => {
  const net = network();
  const deadline = new ManualDeadline();
  const outcome = await ping(net, deadline);
  deadline.pass();
  expect(await outcome()).toBe('over');
  expect(await (await ping(net, deadline))()).toBe('over');
  expect(net.sent).toHaveLength(1);
});

test('a datagram socket has no header, and an id of its own', async () => {
  const net = network(() => true);
  const outcome = await ping(net);
  const [request = new Uint8Array()] = net.sent;
  const { bytes } = replyTo(request, (message) => message.set([0x77, 0x77], 4));
  net.arrived.push({ from: target, bytes: bytes.subarray(20) });
  expect(await outcome()).toMatchObject({ rttMs: expect.any(Number) });
});

test('where no socket is allowed the errno says so', async () => {
  const outcome = await ping(network(() => false));
  expect(await outcome()).toMatchObject({ code: 'EACCES' });
});
