import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { endpointOf } from '../../checks/lib/endpoint.ts';
import { LibcConnection, type LoadUndici } from '../../checks/lib/http-libc.ts';
import { httpOptions } from '../../checks/lib/http-options.ts';
import { stopwatch } from '../../checks/lib/stopwatch.ts';
import { engine } from '../../src/net/engine.ts';
import { ManualDeadline } from '../../src/run/deadline.ts';
import { type Listening, listen } from '../support/servers/listen.ts';

const open: Listening[] = [];
afterEach(async () => {
  for (const listening of open.splice(0)) await listening.close();
});

/** A connection to a server that answers so, and what to ask on it. */
async function connectionTo(behaviour: (socket: Socket) => void, load: LoadUndici) {
  const listening = await listen((socket) => socket.once('data', () => behaviour(socket)));
  open.push(listening);
  const libc = engine();
  if (libc === undefined) throw new Error('there is no engine');
  const { question } = endpointOf(listening.target, httpOptions.parse({ expect: { body: 'hello' } }));
  const connection = new LibcConnection(libc.openWire, listening.target, load);
  return { connection, ask: () => connection.ask(question, new ManualDeadline(), stopwatch()) };
}

const undici: LoadUndici = () => import('../../checks/lib/http-undici.ts');
const never: LoadUndici = () => Promise.reject(new Error('undici is not wanted'));
const regular = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello';
const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';

test.each([
  ['whole', (socket: Socket) => socket.end(regular)],
  ['in two pieces', (socket: Socket) => socket.write(regular.slice(0, -1), () => setImmediate(() => socket.end('o')))],
])('a regular answer that comes %s needs no undici', async (_how, behaviour) => {
  const { connection, ask } = await connectionTo(behaviour, never);
  expect(await ask()).toMatchObject({ status: 200, body: Buffer.from('hello') });
  connection.close();
});

test.each([
  ['goes on', (socket: Socket) => socket.write(chunked)],
  ['ends', (socket: Socket) => socket.end(chunked)],
])('an answer whose connection %s is not lost while undici is being loaded', async (_what, behaviour) => {
  const { connection, ask } = await connectionTo(behaviour, () => sleep(50).then(undici));
  expect(await ask()).toMatchObject({ status: 200, body: Buffer.from('hello') });
  connection.close();
});

test('where undici cannot be loaded, the connection is closed', async () => {
  const { ask } = await connectionTo((socket) => socket.write(chunked), never);
  const before = readdirSync('/proc/self/fd').length;
  await expect(ask()).rejects.toThrow('undici is not wanted');
  await sleep(20);
  expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
});
