import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { icmp } from '../../checks/icmp.ts';
import { Unlearned } from '../../checks/probe.ts';
import { tcp } from '../../checks/tcp.ts';
import { engineFault, engineName, preferNode } from '../../src/net/engine.ts';
import { errorOf, loadLibc } from '../../src/net/libc.ts';
import { withoutDescriptors } from '../support/descriptors.ts';
import { standInForPing } from '../support/ping.ts';
import { runOf } from '../support/probing.ts';
import { listen } from '../support/servers/listen.ts';

/** What stands in for `ping` where a run is to be by that. */
const replying = `echo 'PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.'
echo '64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=1.12 ms'`;

test('an engine that cannot be started for want of descriptors teaches nothing, and is started by a later run', async () => {
  const listening = await listen(() => {});
  expect([engineName(), engineFault()]).toEqual(['libc', undefined]);
  const refused = await withoutDescriptors(() =>
    Promise.all([tcp, icmp].map((probe) => runOf(probe, listening.target).catch((error) => error))),
  );
  const attempts = [`connect to 127.0.0.1 port ${listening.target.port}`, 'ping 127.0.0.1'];
  for (const [index, error] of refused.entries()) {
    expect(error).toBeInstanceOf(Unlearned);
    expect(error).toMatchObject({ code: 'EMFILE', message: `Cannot ${attempts[index]}: too many open files` });
    expect(error.cause.syscall).toBe('epoll_create1');
  }
  // Node measures no round trip.
  const { pass, phases } = await runOf(tcp, listening.target);
  expect([pass, Object.keys(phases)]).toEqual([true, ['connect', 'rtt']]);
  await listening.close();
});

test('an engine that nobody wants has no fault', () => {
  preferNode(true);
  expect([engineName(), engineFault()]).toEqual(['node', undefined]);
  preferNode(false);
});

test('an engine that may not open sockets for echo requests has that for a fault, until it may', async () => {
  const libc = loadLibc();
  if (libc === undefined) throw new Error('koffi does not load here');
  const [EPERM, SOCK_STREAM] = [1, 1];
  const { socket } = libc;
  const refusing = jest.spyOn(libc, 'socket').mockImplementation((family, type, protocol) => {
    if (type !== SOCK_STREAM) throw errorOf('socket', EPERM);
    return socket(family, type, protocol);
  });
  const standIn = standInForPing(replying);
  const probe = () => runOf(icmp, { address: '127.0.0.1', port: 0 }, { source: '127.7.7.7' });
  try {
    expect((await probe()).phases).toEqual({ rtt: 1.12 });
    expect([engineName(), engineFault()]).toEqual([
      'libc',
      'ICMP by the program ping: socket: operation not permitted',
    ]);
  } finally {
    refusing.mockRestore();
    standIn.remove();
  }
  await probe();
  expect(engineFault()).toBeUndefined();
});

test('where koffi does not load, runs use what Node has, and say so', () => {
  const standIn = standInForPing(replying);
  const program = `
    import { once } from 'node:events';
    import Module from 'node:module';
    import { createServer } from 'node:net';
    const load = Module._load;
    Module._load = (request, ...more) => {
      if (request === 'koffi') throw new Error('no binary');
      return load(request, ...more);
    };
    const { engineFault, engineName } = await import('./dist/src/net/engine.js');
    const { icmp } = await import('./dist/checks/icmp.js');
    const { tcp } = await import('./dist/checks/tcp.js');
    const { ManualDeadline } = await import('./dist/src/run/deadline.js');
    const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const target = { address: '127.0.0.1', port: server.address().port };
    const seen = {};
    for (const probe of [tcp, icmp]) {
      const { reason, phases } = await probe.run(target, probe.options.parse({}), new ManualDeadline());
      seen[probe.type] = [reason, ...Object.keys(phases)];
    }
    server.close();
    console.log(JSON.stringify({ name: engineName(), fault: engineFault(), ...seen }));`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: join(__dirname, '../..'),
    encoding: 'utf8',
    env: { ...process.env },
  });
  standIn.remove();
  // Only sockets of libc have the kernel measure a connection.
  expect(JSON.parse(printed)).toEqual({
    name: 'node',
    fault: 'koffi: no binary',
    tcp: ['L4OK', 'connect'],
    icmp: ['L4OK', 'rtt'],
  });
});
