import { expect, test } from '@jest/globals';
import { icmp } from '../../checks/icmp.ts';
import { Unlearned } from '../../checks/probe.ts';
import { tcp } from '../../checks/tcp.ts';
import { engineFault, engineName, preferNode } from '../../src/net/engine.ts';
import { withoutDescriptors } from '../support/descriptors.ts';
import { runOf } from '../support/probing.ts';
import { listen } from '../support/servers/listen.ts';

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
