import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { tcp } from '../../checks/tcp.ts';
import { preferNode } from '../../src/net/engine.ts';
import { ManualDeadline } from '../../src/run/deadline.ts';
import { runOf } from '../support/probing.ts';
import type { Behaviour } from '../support/servers/listen.ts';
import { listen } from '../support/servers/listen.ts';

afterEach(() => preferNode(false));

describe.each(['libc', 'node'])('on %s', (engine) => {
  beforeEach(() => preferNode(engine === 'node'));

  test('a connection that is accepted passes and its time is measured', async () => {
    const listening = await listen(() => {});
    const observation = await runOf(tcp, listening.target);
    expect(observation).toMatchObject({ pass: true, reason: 'L4OK', detail: 'connected' });
    const { connect, rtt, ...others } = observation.phases;
    expect(connect).toBeGreaterThan(0);
    // The kernel leaves out what we were late to notice.
    if (engine === 'libc') expect(rtt).toBeLessThan(connect ?? 0);
    expect([rtt === undefined, others]).toEqual([engine === 'node', {}]);
    await listening.close();
  });

  test.each([
    [{}, 'ECONNRESET'],
    [{ close: 'rst' }, 'ECONNRESET'],
    [{ close: 'fin' }, 'in good order'],
  ])('the connection of %j ends with %s', async (options, ending) => {
    let end = (_code: string) => {};
    const ended = new Promise<string>((resolve) => {
      end = resolve;
    });
    const watch: Behaviour = (socket) => {
      socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? '')).on('end', () => end('in good order'));
      socket.resume();
    };
    const listening = await listen(watch);
    await runOf(tcp, listening.target, options);
    expect(await ended).toBe(ending);
    await listening.close();
  });

  test('the connection comes from the source that is wanted', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const observation = await runOf(tcp, { address: '127.0.0.1', port }, { source: '127.9.8.7', close: 'fin' });
    const [socket] = await accepted;
    expect([observation.reason, socket.remoteAddress]).toEqual(['L4OK', '127.9.8.7']);
    socket.destroy();
    server.close();
  });

  test('a source that is not of this host teaches nothing', async () => {
    const run = runOf(tcp, { address: '127.0.0.1', port: 80 }, { source: '192.0.2.77' });
    await expect(run).rejects.toMatchObject({
      code: 'EADDRNOTAVAIL',
      message: expect.stringMatching(/^Cannot connect to 127.0.0.1 port 80: .*address not available/),
    });
  });

  test('an address that the kernel cannot send to for want of a zone teaches nothing', async () => {
    const run = runOf(tcp, { address: 'fe80::1', port: 80 });
    await expect(run).rejects.toMatchObject({
      name: 'Unlearned',
      code: 'EINVAL',
      message: 'Cannot connect to fe80::1 port 80: invalid argument',
    });
  });
});

test('what the kernel has connected by the deadline counts, though this process did not get to read it', async () => {
  const listening = await listen(() => {});
  const deadline = new ManualDeadline();
  const run = tcp.run(listening.target, tcp.options.parse({}), deadline);
  // Nothing runs here meanwhile, as in a stall.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  deadline.pass();
  expect(await run).toMatchObject({ reason: 'L4OK' });
  await listening.close();
});

describe('a path that Node cannot take', () => {
  test.each([{ interface: 'lo' }, { mark: 7 }])('%j teaches nothing without libc, and says why', async (options) => {
    preferNode(true);
    await expect(runOf(tcp, { address: '127.0.0.1', port: 80 }, options)).rejects.toMatchObject({
      code: 'ENOTSUP',
      message: expect.stringContaining('the package koffi is not there'),
    });
  });

  test('by the interface goes to a server behind it, and to no other', async () => {
    const listening = await listen(() => {});
    expect(await runOf(tcp, listening.target, { interface: 'lo' })).toMatchObject({ reason: 'L4OK' });
    await listening.close();
    await expect(runOf(tcp, listening.target, { interface: 'no-such-0' })).rejects.toMatchObject({ code: 'ENODEV' });
  });
});

test.each([
  { port: 0 },
  { port: 65536 },
  { port: '80' },
  { prot: 80 },
  { close: 'reset' },
  { source: 'eth0' },
  { interface: 'a/b' },
  { interface: 'sixteen-letters-' },
  { mark: 0 },
  { mark: 2 ** 32 },
])('the options %j are refused', (options) => {
  expect(tcp.options.safeParse(options).success).toBe(false);
});
