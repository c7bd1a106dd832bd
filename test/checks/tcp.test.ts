import { expect, test } from '@jest/globals';
import { tcp } from '../../checks/tcp.ts';
import { runOf } from '../support/probing.ts';
import type { Behaviour } from '../support/servers/listen.ts';
import { listen } from '../support/servers/listen.ts';

test('a connection that is accepted passes and its time is measured', async () => {
  const listening = await listen(() => {});
  const observation = await runOf(tcp, listening.target);
  expect(observation).toMatchObject({ pass: true, reason: 'L4OK', detail: 'connected' });
  expect(Object.keys(observation.phases)).toEqual(['connect']);
  expect(observation.phases.connect).toBeGreaterThan(0);
  await listening.close();
});

test('the connection ends with a reset, so that no port of ours stays in TIME_WAIT', async () => {
  let end = (_code: string) => {};
  const ended = new Promise<string>((resolve) => {
    end = resolve;
  });
  const watch: Behaviour = (socket) => {
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? '')).on('end', () => end('in good order'));
    socket.resume();
  };
  const listening = await listen(watch);
  await runOf(tcp, listening.target);
  expect(await ended).toBe('ECONNRESET');
  await listening.close();
});

test('a port of its own is looked at instead of the server’s', async () => {
  const closed = await listen(() => {});
  await closed.close();
  const listening = await listen(() => {});
  expect(await runOf(tcp, closed.target, { port: listening.target.port })).toMatchObject({ pass: true });
  await listening.close();
});

test('an address that the kernel cannot send to for want of a zone teaches nothing', async () => {
  const run = runOf(tcp, { address: 'fe80::1', port: 80 });
  await expect(run).rejects.toMatchObject({
    name: 'Unlearned',
    code: 'EINVAL',
    message: 'Cannot connect to fe80::1 port 80: invalid argument',
  });
});

test.each([{ port: 0 }, { port: 65536 }, { port: '80' }, { prot: 80 }])('the options %j are refused', (options) => {
  expect(tcp.options.safeParse(options).success).toBe(false);
});
