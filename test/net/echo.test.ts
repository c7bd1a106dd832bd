import { describe, expect, jest, test } from '@jest/globals';
import { ipToBytes } from '../../src/core/address.ts';
import { createEcho } from '../../src/net/echo.ts';
import type { Echoed } from '../../src/net/echo-line.ts';
import { isForbidden } from '../../src/net/echo-socket.ts';
import { type IcmpVersion, internetChecksum } from '../../src/net/icmp-message.ts';
import type { Libc } from '../../src/net/libc.ts';
import type { Path } from '../../src/net/path.ts';
import { ManualDeadline } from '../../src/run/deadline.ts';

const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const hosts = {
  ipv4: { us: '10.0.0.1', target: '10.0.0.2', stranger: '10.0.0.3', router: '10.0.0.254' },
  ipv6: { us: 'fd00::1', target: 'fd00::2', stranger: 'fd00::3', router: 'fd00::fe' },
} as const;
const types = {
  ipv4: { request: 8, reply: 0, hostUnreachable: [3, 1] },
  ipv6: { request: 128, reply: 129, hostUnreachable: [1, 3] },
} as const;
const { target } = hosts.ipv4;

interface Packet {
  readonly from: string;
  readonly bytes: Uint8Array;
}

function refuse(code: string, syscall: string): never {
  throw Object.assign(new Error(code), { code, syscall });
}

/** A network that answers what the test has it answer, seen through the calls of libc; a test may replace some. */
function network(changes: Partial<Libc> = {}) {
  const sent: Uint8Array[] = [];
  const arrived: Packet[] = [];
  const opened: number[] = [];
  const closed: number[] = [];
  const ready = new Map<number, () => void>();
  const libc: Pick<Libc, 'socket' | 'setsockopt' | 'getsockopt' | 'sendto' | 'recvfrom' | 'close'> = {
    socket: (_family, type) => {
      if (type !== SOCK_RAW) return refuse('EACCES', 'socket');
      return 10 + opened.push(type);
    },
    setsockopt: () => {},
    getsockopt: () => {},
    close: (fd) => void closed.push(fd),
    sendto: (_fd, message) => void sent.push(Uint8Array.from(message)),
    recvfrom: (_fd, into, address) => {
      const packet = arrived.shift();
      if (packet === undefined) return undefined;
      if (packet.from === 'error') return refuse('ENETDOWN', 'recvfrom');
      into.set(packet.bytes);
      address.set(ipToBytes(packet.from), packet.from.includes(':') ? 8 : 4);
      return packet.bytes.length;
    },
    ...changes,
  };
  const poll = () => {
    for (const read of ready.values()) read();
  };
  const refusals = new Map<string, string>();
  const reactor = {
    add: (fd: number, _events: number, read: (events: number) => void) => {
      ready.set(fd, () => read(1));
      return fd;
    },
    expect: () => {},
    remove: (name: number) => void ready.delete(name),
    release: () => {},
    poll,
  };
  const echo = createEcho(libc as Libc, reactor, refusals);
  return { echo, refusals, sent, arrived, poll, opened, closed, watched: () => [...ready.keys()] };
}

type Network = ReturnType<typeof network>;

/** What came of a request by now. */
async function ping(net: Network, deadline = new ManualDeadline(), path: Path = {}, to: string = target) {
  let outcome: Echoed | undefined;
  void net.echo(to, path, deadline).then((echoed) => {
    outcome = echoed;
  });
  return async () => {
    net.poll();
    await new Promise((resolve) => setImmediate(resolve));
    return outcome;
  };
}

function versionOf([type]: Uint8Array): IcmpVersion {
  return type === types.ipv4.request ? 'ipv4' : 'ipv6';
}

/** The reply to a request as a raw socket has it: behind an IP header where that is of IPv4, with a checksum that is right. */
function replyTo(
  request: Uint8Array,
  change: (message: Uint8Array) => void = () => {},
  from: string = hosts[versionOf(request)].target,
): Packet {
  const version = versionOf(request);
  const message = Uint8Array.from(request);
  message[0] = types[version].reply;
  change(message);
  return { from, bytes: asRead(version, message, from) };
}

function asRead(version: IcmpVersion, message: Uint8Array, from: string): Uint8Array {
  message.set([0, 0], 2);
  const sum = internetChecksum(message, 0, message.length);
  message.set([sum >> 8, sum & 0xff], 2);
  return version === 'ipv4' ? behindHeader(message, from, hosts.ipv4.us) : message;
}

function behindHeader(message: Uint8Array, from: string, to: string): Uint8Array {
  const [source, destination] = [ipToBytes(from), ipToBytes(to)];
  const head = source.length === 4 ? [0x45, 0, 0, 0, 0, 0, 0, 0, 64, 1, 0, 0] : [0x60, 0, 0, 0, 0, 0, 58, 64];
  return Uint8Array.of(...head, ...source, ...destination, ...message);
}

/** The word of a router about a request to `to`, of which it quotes so much. */
function errorAbout(
  request: Uint8Array,
  { to = hosts[versionOf(request)].target as string, quoted = request.length } = {},
): Packet {
  const version = versionOf(request);
  const { us, router } = hosts[version];
  const quote = behindHeader(request.subarray(0, quoted), us, to);
  const message = Uint8Array.of(...types[version].hostUnreachable, 0, 0, 0, 0, 0, 0, ...quote);
  return { from: router, bytes: asRead(version, message, router) };
}

/** The same bytes, with one bit of one of them changed. */
function altered(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
}

test('the reply to a request passes with its round trip', async () => {
  const net = network();
  const outcome = await ping(net);
  const [request = new Uint8Array()] = net.sent;
  net.arrived.push(replyTo(request));
  expect(await outcome()).toEqual({ rttMs: expect.any(Number) });
});

describe.each(['ipv4', 'ipv6'] as const)('of %s is not taken for the reply:', (version) => {
  const [idAt, sequenceAt, payloadAt] = [4, 7, 8];
  const { stranger } = hosts[version];
  const forgeries: Record<string, (request: Uint8Array) => Packet> = {
    'one from another address': (request) => replyTo(request, () => {}, stranger),
    'one of another id': (request) => replyTo(altered(request, idAt)),
    'one of another sequence': (request) => replyTo(altered(request, sequenceAt)),
    'one of another payload': (request) => replyTo(altered(request, payloadAt)),
    'one of a payload that ends in another way': (request) => replyTo(altered(request, request.length - 1)),
    'one that is cut off': (request) => replyTo(request.subarray(0, -1)),
    'a request': (request) => replyTo(request, (message) => (message[0] = types[version].request)),
    'an error about another target': (request) => errorAbout(request, { to: stranger }),
    'an error that quotes another id': (request) => errorAbout(altered(request, idAt)),
    'an error that quotes another payload': (request) => errorAbout(altered(request, payloadAt)),
    'an error that quotes too little to be one': (request) => errorAbout(request, { quoted: 15 }),
    'an empty packet': () => ({ from: hosts[version].target, bytes: new Uint8Array() }),
    'an error of the socket': () => ({ from: 'error', bytes: new Uint8Array() }),
  };
  // Of IPv6 the kernel judges it.
  if (version === 'ipv4') {
    forgeries['one of a wrong checksum'] = (request) => {
      const { from, bytes } = replyTo(request);
      return { from, bytes: altered(bytes, 22) };
    };
  }

  test.each(Object.keys(forgeries))('%s', async (name) => {
    const net = network();
    const outcome = await ping(net, new ManualDeadline(), {}, hosts[version].target);
    const [request = new Uint8Array()] = net.sent;
    const forged = forgeries[name]?.(request);
    if (forged) net.arrived.push(forged);
    expect(await outcome()).toBeUndefined();
    net.arrived.push(replyTo(request));
    expect(await outcome()).toMatchObject({ rttMs: expect.any(Number) });
  });
});

describe.each([
  ['ipv4', 'Destination Host Unreachable'],
  ['ipv6', 'Destination unreachable: Address unreachable'],
] as const)('of %s', (version, refusal) => {
  test.each([64, 16, 20])('the word of a router counts, with %d bytes of the request', async (quoted) => {
    const net = network();
    const outcome = await ping(net, new ManualDeadline(), {}, hosts[version].target);
    const [request = new Uint8Array()] = net.sent;
    net.arrived.push(errorAbout(request, { quoted }));
    expect(await outcome()).toEqual({ refusal });
  });
});

test('a reply that has arrived by the deadline counts', async () => {
  const net = network();
  const deadline = new ManualDeadline();
  const outcome = await ping(net, deadline);
  net.arrived.push(replyTo(net.sent[0] ?? new Uint8Array()));
  deadline.pass();
  expect(await outcome()).toMatchObject({ rttMs: expect.any(Number) });
});

test.each(['late', 'twice'])(
  'a reply that comes %s is nobody’s, and the socket is closed in its time',
  async (when) => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      const net = network();
      const deadline = new ManualDeadline();
      const outcome = await ping(net, deadline);
      const reply = replyTo(net.sent[0] ?? new Uint8Array());
      if (when === 'twice') net.arrived.push(reply);
      else deadline.pass();
      const before = await outcome();
      expect(before).toEqual(when === 'twice' ? { rttMs: expect.any(Number) } : 'over');
      const other = await ping(net);
      net.arrived.push(reply, replyTo(net.sent[1] ?? new Uint8Array()));
      expect(await other()).toEqual({ rttMs: expect.any(Number) });
      expect(await outcome()).toBe(before);
      jest.advanceTimersByTime(120_000);
      expect(net.closed).toEqual([11]);
    } finally {
      jest.useRealTimers();
    }
  },
);

test('a request is not given a number that another still has when they start anew', async () => {
  const net = network();
  const first = await ping(net);
  for (let others = 1; others < 2 ** 16; others++) {
    const deadline = new ManualDeadline();
    void net.echo(target, {}, deadline);
    deadline.pass();
  }
  const last = await ping(net);
  net.arrived.push(...[net.sent[0], net.sent.at(-1)].map((request = new Uint8Array()) => replyTo(request)));
  expect(await first()).toEqual({ rttMs: expect.any(Number) });
  expect(await last()).toEqual({ rttMs: expect.any(Number) });
});

test('two requests never look alike, and go over one socket', async () => {
  const net = network();
  await Promise.all([ping(net), ping(net), ping(net)]);
  expect(new Set(net.sent.map((request) => String(request.subarray(6, 8)))).size).toBe(3);
  expect(new Set(net.sent.map((request) => String(request.subarray(8)))).size).toBe(3);
  expect(net.opened).toHaveLength(1);
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
  const net = network({ socket: (_family, type) => (type === SOCK_DGRAM ? 11 : refuse('EPERM', 'socket')) });
  const outcome = await ping(net);
  const [request = new Uint8Array()] = net.sent;
  const { bytes } = replyTo(request, (message) => message.set([0x77, 0x77], 4));
  net.arrived.push({ from: target, bytes: bytes.subarray(20) });
  expect(await outcome()).toMatchObject({ rttMs: expect.any(Number) });
});

test('a deadline is judged after all that has arrived was read', async () => {
  const net = network();
  const deadline = new ManualDeadline();
  const outcome = await ping(net, deadline);
  const [request = new Uint8Array()] = net.sent;
  for (let others = 0; others < 5000; others++) net.arrived.push(replyTo(request, () => {}, '10.0.0.3'));
  net.arrived.push(replyTo(request));
  deadline.pass();
  expect(await outcome()).toMatchObject({ rttMs: expect.any(Number) });
});

test('a reply behind errors of the socket counts at the deadline', async () => {
  const net = network();
  const deadline = new ManualDeadline();
  const outcome = await ping(net, deadline);
  const error = { from: 'error', bytes: new Uint8Array() };
  net.arrived.push(error, error, replyTo(net.sent[0] ?? new Uint8Array()));
  deadline.pass();
  expect(await outcome()).toMatchObject({ rttMs: expect.any(Number) });
});

test('a socket of which each read fails is not read for ever', async () => {
  let reads = 0;
  const net = network({
    recvfrom: () => {
      reads += 1;
      return refuse('EBADF', 'recvfrom');
    },
  });
  const deadline = new ManualDeadline();
  const outcome = await ping(net, deadline);
  deadline.pass();
  expect(reads).toBe(8);
  expect(await outcome()).toBe('over');
});

describe('a socket', () => {
  const [SO_RCVBUF, SO_RCVBUFFORCE] = [8, 33];

  test('that may not be opened says so by its errno', async () => {
    let isRefused = true;
    const net = network({ socket: () => (isRefused ? refuse('EACCES', 'socket') : 11) });
    const outcome = await ping(net);
    expect(await outcome()).toMatchObject({ code: 'EACCES' });
    expect([...net.refusals.values()]).toEqual(['EACCES']);
    isRefused = false;
    await ping(net);
    expect(net.refusals.size).toBe(0);
  });

  test('is raw where both kinds are allowed: the kernel tells no other of hosts that are unreachable', async () => {
    const types: number[] = [];
    const net = network({ socket: (_family, type) => 10 + types.push(type) });
    await ping(net);
    expect([types, net.sent.length]).toEqual([[SOCK_RAW], 1]);
  });

  test.each([
    ['EPERM', 'EPROTONOSUPPORT', 'EPERM'],
    ['EPERM', 'EACCES', 'EACCES'],
    ['EAFNOSUPPORT', 'EACCES', 'EAFNOSUPPORT'],
  ])('that is refused raw with %s and of datagrams with %s says %s', async (raw, ofDatagrams, told) => {
    const net = network({ socket: (_family, type) => refuse(type === SOCK_RAW ? raw : ofDatagrams, 'socket') });
    expect(await (await ping(net))()).toMatchObject({ code: told });
  });

  test.each([
    ['some 10,000 replies', () => {}, [SO_RCVBUFFORCE]],
    ['as many as it may', () => refuse('EPERM', 'setsockopt'), [SO_RCVBUFFORCE, SO_RCVBUF]],
  ])('has room for %s', async (_name, force, expected) => {
    const asked: number[] = [];
    const setsockopt: Libc['setsockopt'] = (_fd, _level, option, value) => {
      if (option !== SO_RCVBUF && option !== SO_RCVBUFFORCE) return;
      asked.push(option);
      expect([...new Int32Array(value.buffer)]).toEqual([4 * 1024 * 1024]);
      if (option === SO_RCVBUFFORCE) force();
    };
    const net = network({ setsockopt });
    await ping(net);
    expect(asked).toEqual(expected);
    expect(net.sent).toHaveLength(1);
  });

  /** That of an interface which can be lost. */
  const bound = () => {
    const lost = new Set<number>();
    const refused = new Set<string>();
    const net: Network = network({
      getsockopt: (fd, _level, _option, into) => {
        if (lost.has(fd)) refuse('ENODEV', 'getsockopt');
        into.set(Buffer.from('eth1\0'));
      },
      sendto: (fd, message, address) => {
        if (refused.has(address.subarray(4, 8).join('.'))) refuse('EPERM', 'sendto');
        if (lost.has(fd)) refuse('ENETUNREACH', 'sendto');
        net.sent.push(Uint8Array.from(message));
      },
    });
    return { net, refused, lose: (fd: number) => lost.add(fd), path: { interface: 'eth1' } };
  };

  test('whose interface was made anew makes way for another', async () => {
    const { net, lose, path } = bound();
    const deadline = new ManualDeadline();
    const before = await ping(net, deadline, path);
    lose(11);
    const outcome = await ping(net, new ManualDeadline(), path);
    expect([net.closed, net.watched()]).toEqual([[11], [12]]);
    net.arrived.push(replyTo(net.sent[1] ?? new Uint8Array()));
    expect(await outcome()).toMatchObject({ rttMs: expect.any(Number) });
    deadline.pass();
    expect(await before()).toBe('over');
  });

  test('whose interface is gone tells of it, and tries once', async () => {
    const { net, lose, path } = bound();
    lose(12);
    lose(11);
    const outcome = await ping(net, new ManualDeadline(), path);
    expect(await outcome()).toMatchObject({ code: 'ENETUNREACH' });
    expect(net.opened).toHaveLength(1);
    await ping(net, new ManualDeadline(), path);
    expect(net.opened).toHaveLength(2);
  });

  test('that one server cannot be reached over is kept for the others', async () => {
    const { net, refused, path } = bound();
    await ping(net, new ManualDeadline(), path);
    refused.add('10.0.0.3');
    const outcome = await net.echo('10.0.0.3', path, new ManualDeadline());
    expect(outcome).toMatchObject({ code: 'EPERM' });
    await ping(net, new ManualDeadline(), path);
    expect([net.opened.length, net.closed]).toEqual([1, []]);
  });

  test('over which nothing was sent for a minute, and nothing is awaited, is closed; then no timer is left', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      const net = network();
      const [idle, awaited] = [new ManualDeadline(), new ManualDeadline()];
      await ping(net, idle, { mark: 1 });
      await ping(net, awaited, { mark: 2 });
      idle.pass();
      expect(jest.getTimerCount()).toBe(1);
      jest.advanceTimersByTime(59_999);
      expect(net.closed).toEqual([]);
      jest.advanceTimersByTime(60_001);
      expect([net.closed, net.watched()]).toEqual([[11], [12]]);
      awaited.pass();
      jest.advanceTimersByTime(60_000);
      expect([net.closed, net.watched(), jest.getTimerCount()]).toEqual([[11, 12], [], 0]);
      await ping(net, new ManualDeadline(), { mark: 1 });
      expect([net.watched(), jest.getTimerCount()]).toEqual([[13], 1]);
    } finally {
      jest.useRealTimers();
    }
  });
});

test.each([
  ['socket', true],
  ['setsockopt', true],
  ['sendto', false],
])('that %s is forbidden is overcome by another program: %s', (syscall, isSo) => {
  expect(isForbidden(Object.assign(new Error(), { code: 'EPERM', syscall }))).toBe(isSo);
});
