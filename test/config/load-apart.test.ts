import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadConfigApart } from '../../src/config/load-apart.ts';

const directory = mkdtempSync(join(tmpdir(), 'lvsd-apart-'));
const path = join(directory, 'config.yaml');

beforeAll(() => {
  const service = '{ name: web, address: 192.0.2.1:80, servers: [10.0.0.1] }';
  writeFileSync(path, `${'# comment\n'.repeat(10_000)}version: 1\nservices: [${service}]\n`);
});
afterAll(() => rmSync(directory, { recursive: true }));

test('where no thread can be had, a large file is loaded all the same', async () => {
  const refused = () => {
    throw Object.assign(new Error('Worker initialization failure: EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' });
  };
  expect((await loadConfigApart(path, refused)).services).toMatchObject([{ name: 'web' }]);
});

test.each([
  ['ends without an answer', 'process.exit(7)', 'the thread that reads it ended with 7 and no answer'],
  ['fails', 'throw new Error("no memory")', 'no memory'],
])('a thread that %s is an error', async (_case, program, message) => {
  await expect(loadConfigApart(path, () => new Worker(program, { eval: true }))).rejects.toThrow(message);
});
