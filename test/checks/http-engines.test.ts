import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { http } from '../../checks/http.ts';
import type { EngineName } from '../../src/core/snapshot.ts';
import { engineName, preferNode } from '../../src/net/engine.ts';
import { ManualDeadline } from '../../src/run/deadline.ts';
import { answers } from '../support/servers/answers.ts';
import { type Listening, listen } from '../support/servers/listen.ts';

/** What the server sends to each request before it ends the connection, one write for each piece. */
let pieces: readonly Buffer[] = [];
let ends = true;
let requests: string[] = [];
let listening: Listening;

beforeAll(async () => {
  listening = await listen((socket) =>
    socket.setNoDelay().on('data', (request) => {
      requests.push(request.toString());
      void send(socket);
    }),
  );
});
afterEach(() => preferNode(false));
afterAll(() => listening.close());

async function send(socket: Socket): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) return;
    await new Promise((sent) => socket.write(piece, sent));
    await turn();
  }
  if (ends) socket.end();
}

/** What runs of a check see, all but the times, and what the server was asked. */
async function seenBy(engine: EngineName, raw: Readonly<Record<string, unknown>>, times: number): Promise<unknown> {
  preferNode(engine === 'node');
  expect(engineName()).toBe(engine);
  const options = http.options.parse(raw);
  const before = listening.accepted();
  requests = [];
  const runs: unknown[] = [];
  for (let run = 0; run < times; run += 1) {
    const { phases, ...seen } = await http.run(listening.target, options, new ManualDeadline());
    runs.push({ ...seen, phases: Object.keys(phases) });
  }
  http.release?.(listening.target, options);
  return { runs, requests, connections: listening.accepted() - before };
}

async function expectAlike(answer: readonly Buffer[], raw: Readonly<Record<string, unknown>>): Promise<void> {
  pieces = answer;
  ends = raw.connection !== 'reuse';
  const times = ends ? 1 : 3;
  expect(await seenBy('libc', raw, times)).toEqual(await seenBy('node', raw, times));
}

const bytesOf = (text: string) => Buffer.from(text, 'latin1');
const variants = [
  { expect: { status: '200-399' } },
  { expect: { body: 'hello' } },
  { expect: { body: 'hel' }, max_bytes: 3 },
  { method: 'HEAD' },
  { method: 'HEAD', expect: { status: '200-399' } },
];
const name = (answer: string) => [JSON.stringify(answer.slice(0, 120)), answer] as const;

test.each(answers.map(name))('both engines see the same in %s', async (_name, answer) => {
  for (const raw of variants) await expectAlike([bytesOf(answer)], raw);
  if (answer.length < 200)
    await expectAlike(
      [...bytesOf(answer)].map((byte) => Buffer.of(byte)),
      { expect: { body: 'o' } },
    );
});

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 5';

test.each([
  [`${ok}\r\n\r\nhello`],
  [`${ok}\r\nconnection: Keep-Alive\r\n\r\nhello`],
  [`${ok}\r\nkeep-alive: timeout=1, max=100\r\n\r\nhello`],
  [`${ok}\r\nkeep-alive: timeout=9, max=100\r\n\r\nhello`],
  [`${ok}\r\nproxy-connection: close\r\n\r\nhello`],
  ['HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 5\r\n\r\nhello'],
  [`${ok}\r\nconnection: close\r\n\r\nhello`],
  [`${ok}\r\nconnection: Foo , CLOSE\r\n\r\nhello`],
  [`${ok}\r\n\r\nhello!`],
  [`${ok}\r\n\r\nhello${ok}\r\n\r\nhello`],
  ['HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello'],
  ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
  ['HTTP/1.1 204 No Content\r\n\r\n'],
  ['HTTP/1.1 304 Not Modified\r\n\r\n'],
  ['HTTP/1.1 503 Sorry\r\ncontent-length: 5\r\n\r\nhello'],
])('both engines keep, or do not keep, the connection after %j', async (answer) => {
  for (const raw of variants) await expectAlike([bytesOf(answer)], { ...raw, connection: 'reuse' });
});

test.each([
  ['HTTP/1.0 200 OK\r\n\r\nhello'],
  [`${ok}\r\n\r\nhello`],
  [`${ok}\r\n\r\nhel`],
  ['HTTP/1.1 200 OK\r\ncontent-le'],
])('both engines see the same in %j with a reset behind it', async (answer) => {
  const server = await listen((socket) =>
    socket.once('data', () => socket.write(answer, () => socket.resetAndDestroy())),
  );
  const seen: unknown[] = [];
  for (const engine of ['libc', 'node'] as const) {
    preferNode(engine === 'node');
    const { phases, ...observation } = await http.run(server.target, http.options.parse({}), new ManualDeadline());
    seen.push({ ...observation, phases: Object.keys(phases) });
  }
  expect(seen[0]).toEqual(seen[1]);
  await server.close();
});

test('an answer in chunks that has come when the time is up counts, though somebody else is to read it', async () => {
  const chunks = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${'5\r\nhello\r\n'.repeat(3_000)}0\r\n\r\n`;
  const deadline = new ManualDeadline();
  const server = await listen((socket) => socket.once('data', () => socket.write(chunks, () => deadline.pass())));
  const run = http.run(server.target, http.options.parse({ expect: { body: 'hello' } }), deadline);
  expect(await run).toMatchObject({ pass: true });
  await server.close();
});

test.each([
  ['in two pieces', 5],
  ['longer than what is looked at', 20_000],
  ['longer than what counts', 200_000],
])('both engines see the same in a body that comes %s', async (_name, length) => {
  const answer = [`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`, 'a'.repeat(length - 1), 'b'].map(bytesOf);
  for (const raw of [{}, { expect: { body: 'b' } }, { expect: { status: 201 } }]) await expectAlike(answer, raw);
});

test.each([
  [{}],
  [{ method: 'POST' }],
  [{ method: 'POST', body: 'name=lvsd', headers: { 'X-Token': 'é', Accept: 'text/html' } }],
  [{ method: 'DELETE', host: 'www.example.org:81', path: '/a?b=%20' }],
  [{ headers: { 'x-long': 'x'.repeat(2_000) } }],
])('both engines ask alike for %j', async (raw) => expectAlike([bytesOf('HTTP/1.1 204 No Content\r\n\r\n')], raw));

/** Some bytes of an answer are others, and it comes in pieces. */
const mutated = fc
  .record({
    answer: fc.constantFrom(...answers.filter(({ length }) => length < 200)),
    changes: fc.array(fc.tuple(fc.nat(), fc.constantFrom(...'\r\n\t :;,=."\\\x00\x7f\xff0a')), { maxLength: 3 }),
    cuts: fc.array(fc.nat(), { maxLength: 3 }),
  })
  .map(({ answer, changes, cuts }) => {
    const bytes = bytesOf(answer);
    const at = (position: number) => position % (bytes.length + 1);
    for (const [position, byte] of changes) bytes.write(byte, at(position), 'latin1');
    const bounds = [0, ...cuts.map(at).sort((a, b) => a - b), bytes.length];
    return bounds.slice(1).map((end, index) => bytes.subarray(bounds[index], end));
  });

test('both engines see the same in an answer that is damaged anywhere, and cut anywhere', async () => {
  const raw = fc.constantFrom(...variants);
  await fc.assert(
    fc.asyncProperty(mutated, raw, (answer, options) => expectAlike(answer, options)),
    { numRuns: 100 },
  );
});
