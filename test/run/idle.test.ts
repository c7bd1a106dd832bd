import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createIdleConnections, type IdleConnection } from '../../src/run/idle.ts';
import { withoutDescriptors } from '../support/descriptors.ts';
import { heldResources, leftSince } from '../support/probing.ts';

const { open } = createIdleConnections(100);
const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A connection with what it tells: `opened`, then `ended` with its code. */
function hold(port: number, address = '127.0.0.1', source?: string) {
  const told: string[] = [];
  const waiting = new Map<number, () => void>();
  const tell = (what: string) => {
    told.push(what);
    waiting.get(told.length)?.();
  };
  const connection: IdleConnection = open({ address, port }, source, {
    opened: () => tell('opened'),
    ended: (code) => tell(`ended ${code ?? 'in good order'}`),
  });
  ends.push(connection.close);
  return {
    connection,
    told,
    /** Resolves when it has told so many things, with all of them. */
    async tells(count: number): Promise<readonly string[]> {
      if (told.length < count) await new Promise<void>((resolve) => waiting.set(count, resolve));
      return told;
    },
  };
}

/** A server on loopback. `taken`: the next connection that it takes. */
async function serve(address = '127.0.0.1') {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    ends.push(() => socket.destroy());
  });
  server.listen(0, address);
  await once(server, 'listening');
  ends.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { port, taken: async (): Promise<Socket> => (await once(server, 'connection'))[0] };
}

/** A connection that is open, and its end at the server. */
async function holdOne(address?: string) {
  const { port, taken } = await serve(address);
  const [held, socket] = await Promise.all([hold(port, address), taken()]);
  await held.tells(1);
  return { held, socket };
}

/** A process that listens and takes no connection: the kernel does. Resolves with its port. */
async function serveApart(): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const program = `require('node:net').createServer(() => {}).listen(0, '127.0.0.1', function () {
    process.send(this.address().port);
  })`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  ends.push(() => child.kill('SIGKILL'));
  const [port] = await once(child, 'message');
  return { child, port };
}

describe('an idle connection', () => {
  test.each(['127.0.0.1', '::1'])('to %s opens, and ends when the server closes it', async (address) => {
    const { held, socket } = await holdOne(address);
    expect(held.told).toEqual(['opened']);
    socket.end();
    expect(await held.tells(2)).toEqual(['opened', 'ended in good order']);
  });

  test('comes from the source that is wanted', async () => {
    const { port, taken } = await serve();
    const [, socket] = await Promise.all([hold(port, '127.0.0.1', '127.9.8.7'), taken()]);
    expect(socket.remoteAddress).toBe('127.9.8.7');
  });

  test('ends when the server resets it', async () => {
    const { held, socket } = await holdOne();
    socket.resetAndDestroy();
    expect(await held.tells(2)).toEqual(['opened', 'ended ECONNRESET']);
  });

  test('ends when the process dies that held it', async () => {
    const { child, port } = await serveApart();
    const held = hold(port);
    await held.tells(1);
    child.kill('SIGKILL');
    expect(await held.tells(2)).toContainEqual(expect.stringMatching(/^ended/));
  });

  test('opens to a process that is stopped, and ends when that is killed', async () => {
    const { child, port } = await serveApart();
    child.kill('SIGSTOP');
    const held = hold(port);
    expect(await held.tells(1)).toEqual(['opened']);
    child.kill('SIGKILL');
    expect(await held.tells(2)).toEqual(['opened', 'ended ECONNRESET']);
  });

  test('says that nobody listens', async () => {
    const { child, port } = await serveApart();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await hold(port).tells(1)).toEqual(['ended ECONNREFUSED']);
  });

  test('says that no descriptor was left', async () => {
    const { port } = await serve();
    expect(await withoutDescriptors(() => hold(port).tells(1))).toEqual(['ended EMFILE']);
  });

  test('takes what a server says first, and still ends', async () => {
    const { held, socket } = await holdOne();
    socket.end('220 ready\r\n'.repeat(1000));
    expect(await held.tells(2)).toEqual(['opened', 'ended in good order']);
  });

  test('ends when a server does not stop talking', async () => {
    const { held, socket } = await holdOne();
    const talk = () => {
      while (socket.write('x'.repeat(10_000)));
    };
    socket.on('drain', talk);
    talk();
    expect(await held.tells(2)).toEqual(['opened', 'ended in good order']);
  });

  test('that is given up ends with a reset, tells nothing more and leaves nothing', async () => {
    const before = heldResources();
    const { held, socket } = await holdOne();
    held.connection.close();
    expect(await once(socket.resume(), 'error')).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(held.told).toEqual(['opened']);
    for (const end of ends.splice(0)) await end();
    expect(await leftSince(before)).toEqual([]);
  });

  test('that is given up before it opened tells nothing and leaves nothing', async () => {
    const { port } = await serve();
    const before = heldResources();
    const held = hold(port);
    held.connection.close();
    held.connection.close();
    expect(await leftSince(before)).toEqual([]);
    expect(held.told).toEqual([]);
  });
});
