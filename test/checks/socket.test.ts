import tls from 'node:tls';
import { expect, jest, test } from '@jest/globals';
import { connect, drop, secure } from '../../checks/lib/socket.ts';
import { stopwatch } from '../../checks/lib/stopwatch.ts';
import { ManualDeadline } from '../../src/run/deadline.ts';
import { listen } from '../support/servers/listen.ts';
import { createAuthority } from '../support/tls.ts';

test('handshakes with the same authorities share a context: to make one takes longer than a handshake', async () => {
  const authority = createAuthority();
  const listening = await listen(() => {}, '127.0.0.1', authority.issue(['IP:127.0.0.1']));
  const made = jest.spyOn(tls, 'createSecureContext');
  const shake = async (verify: boolean, ca: string | undefined) => {
    const [deadline, watch] = [new ManualDeadline(), stopwatch()];
    const plain = await connect(listening.target, deadline, watch);
    if (!plain.ok) throw new Error(plain.observation.detail);
    const ready = await secure(plain.socket, { name: '127.0.0.1', verify, ca, session: undefined }, deadline, watch);
    if (!ready.ok) throw new Error(ready.observation.detail);
    drop(plain.socket);
    return made.mock.calls.length;
  };
  const counts: number[] = [];
  for (const ca of [authority.cert, authority.cert, undefined, undefined, authority.cert]) {
    counts.push(await shake(ca !== undefined, ca));
  }
  made.mockRestore();
  await listening.close();
  authority.remove();
  expect(counts).toEqual([1, 1, 2, 2, 2]);
});
