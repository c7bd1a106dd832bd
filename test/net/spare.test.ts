import { readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { engine } from '../../src/net/engine.ts';
import { type Libc, loadLibc } from '../../src/net/libc.ts';
import { createReactor } from '../../src/net/reactor.ts';
import { createConnect } from '../../src/net/tcp.ts';
import { TcpSockets } from '../../src/net/tcp-sockets.ts';
import { createOpenWire } from '../../src/net/wire.ts';
import { ManualDeadline } from '../../src/run/deadline.ts';

/** A server on loopback that does with each connection what it is told to. */
async function serve(host: string, meet: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    meet(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return { port, close: () => new Promise((resolve) => server.close(resolve)) };
}

function connect(host: string, port: number) {
  const libc = engine();
  if (libc === undefined) throw new Error('there is no engine');
  return libc.connect(host, port, { close: 'rst' }, new ManualDeadline());
}

/** Our ports of the connections that are established with a port, as the kernel writes them. */
function portsConnectedTo(port: number): readonly (string | undefined)[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const rows = readFileSync('/proc/net/tcp', 'utf8').matchAll(/ 0100007F:(\w{4}) 0100007F:(\w{4}) 01 /g);
  return [...rows].filter(([, , remote]) => remote === hex).map(([, local]) => local);
}

const AF_UNSPEC = 0;
const openDescriptors = () => readdirSync('/proc/self/fd').length;

test.each(['127.0.0.1', '::1'])(
  'what a socket has been through at %s says nothing of its next connection',
  async (host) => {
    const silent = await serve(host, () => {});
    const talkative = await serve(host, (socket) => socket.write('x'.repeat(100_000)));
    const closing = await serve(host, (socket) => socket.end());
    const resetting = await serve(host, (socket) => socket.resetAndDestroy());
    const gone = await serve(host, () => {});
    await gone.close();
    for (let round = 0; round < 20; round++) {
      await connect(host, resetting.port);
      expect(await connect(host, silent.port)).toEqual({ rttMs: expect.any(Number) });
      expect(await connect(host, gone.port)).toMatchObject({ code: 'ECONNREFUSED' });
      expect(await connect(host, talkative.port)).toEqual({ rttMs: expect.any(Number) });
      expect(await connect(host, closing.port)).toEqual({ rttMs: expect.any(Number) });
    }
    for (const server of [silent, talkative, closing, resetting]) await server.close();
  },
);

test('each connection has a port of its own, and ends with a reset', async () => {
  const ends: Promise<unknown>[] = [];
  const server = await serve('127.0.0.1', (socket) => {
    ends.push(new Promise((resolve) => socket.on('error', resolve).resume()));
  });
  const libc = loadLibc();
  if (libc === undefined) throw new Error('there is no libc');
  const ports: (string | undefined)[] = [];
  const watched: Libc = {
    ...libc,
    connect: (fd, address) => {
      if (address[0] === AF_UNSPEC) ports.push(...portsConnectedTo(server.port));
      return libc.connect(fd, address);
    },
  };
  const connectTcp = createConnect(new TcpSockets(watched, createReactor(libc)));
  for (let count = 0; count < 10; count++) {
    await connectTcp('127.0.0.1', server.port, { close: 'rst' }, new ManualDeadline());
  }
  while (ends.length < 10) await turn();
  for (const end of ends) expect(await end).toMatchObject({ code: 'ECONNRESET' });
  await server.close();
  expect(ports).toHaveLength(10);
  expect(new Set(ports).size).toBe(10);
});

test('connections that were refused leave no descriptor', async () => {
  const gone = await serve('127.0.0.1', () => {});
  await gone.close();
  await connect('127.0.0.1', gone.port);
  const before = openDescriptors();
  for (let count = 0; count < 10; count++) await connect('127.0.0.1', gone.port);
  expect(openDescriptors()).toBe(before);
});

test('one socket serves checks by TCP and by HTTP alike', async () => {
  const server = await serve('127.0.0.1', (socket) => socket.on('data', () => socket.write('answer')));
  const libc = loadLibc();
  if (libc === undefined) throw new Error('there is no libc');
  const opened: number[] = [];
  const watched: Libc = {
    ...libc,
    socket: (...kind) => {
      opened.push(libc.socket(...kind));
      return opened.at(-1) ?? -1;
    },
  };
  const sockets = new TcpSockets(watched, createReactor(libc));
  const connectTcp = createConnect(sockets);
  const openWire = createOpenWire(sockets);
  const asker = { connected: () => {}, look: () => 'done' as const };
  for (let round = 0; round < 3; round++) {
    expect(await connectTcp('127.0.0.1', server.port, { close: 'rst' }, new ManualDeadline())).toEqual({
      rttMs: expect.any(Number),
    });
    const wire = openWire('127.0.0.1', server.port);
    expect(await wire.ask(Buffer.from('request'), asker, new ManualDeadline())).toBe('done');
    wire.close();
  }
  await server.close();
  expect(opened).toHaveLength(1);
});
