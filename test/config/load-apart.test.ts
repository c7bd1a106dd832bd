import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseUnfrozen } from '../../src/config/load.ts';
import { createConfigReader } from '../../src/config/load-apart.ts';
import { receiveServers, sendServers } from '../../src/config/pieces.ts';
import { aConfig, aServer, aService } from '../support/build.ts';

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
  expect((await createConfigReader(path, refused)()).services).toMatchObject([{ name: 'web' }]);
});

test.each([
  ['ends without an answer', 'process.exit(7)', 'the thread that reads it ended with 7 and no answer'],
  ['fails', 'throw new Error("no memory")', 'no memory'],
])('a thread that %s is an error', async (_case, program, message) => {
  await expect(createConfigReader(path, () => new Worker(program, { eval: true }))()).rejects.toThrow(message);
});

test('of a large file that was read before, what changed is read without a thread, and a mistake with one', async () => {
  const many = join(directory, 'many.yaml');
  const service = (name: string, port: number) =>
    `  - { name: ${name}, address: 192.0.2.1:${port}, servers: [10.0.0.1] }\n`;
  const names = Array.from({ length: 1000 }, (_, index) => `web-${index}`);
  const services = names.map((name, index) => service(name, index + 1));
  const write = (list: readonly string[]) => writeFileSync(many, `version: 1\nservices:\n${list.join('')}`);
  write(services);
  let threads = 0;
  const read = createConfigReader(many, () => {
    threads += 1;
    throw new Error('no thread');
  });
  const before = await read();
  write(services.with(500, service('other', 2000)));
  const after = await read();
  expect(threads).toBe(1);
  expect(after.services.filter((one, index) => one !== before.services[index])).toMatchObject([{ name: 'other' }]);
  write(services.with(500, service('web-0', 2000)));
  await expect(read()).rejects.toThrow(/many\.yaml:503:\d+: services\[500\]\.name: service name web-0 is given twice/);
  expect(threads).toBe(2);
});

test('what a thread reads again and finds unchanged stays the same object', async () => {
  const large = join(directory, 'large.yaml');
  const service = (name: string, port: number) =>
    `  - { name: ${name}, address: 192.0.2.1:${port}, servers: [10.0.0.1] }\n`;
  const write = (head: string, port: number) =>
    writeFileSync(large, `${head}${'# comment\n'.repeat(10_000)}services:\n${service('a', 80)}${service('b', port)}`);
  write('version: 1\n', 81);
  const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    parentPort.postMessage(workerData, [workerData.servers]);`;
  const read = createConfigReader(large, ({ text, path: file }) => {
    const workerData = sendServers(parseUnfrozen(text, file));
    return new Worker(program, { eval: true, workerData, transferList: [workerData.servers] });
  });
  const before = await read();
  write('version: 1\nagent: { on_stop: remove }\n', 82);
  const after = await read();
  expect(after.agent.onStop).toBe('remove');
  expect(after.services[0]).toBe(before.services[0]);
  expect(after.services[1]).not.toBe(before.services[1]);
  expect(Object.isFrozen(after.services)).toBe(true);
});

test('servers come in pieces, each to its place, with a pause between', async () => {
  const servers = (base: string, count: number) => Array.from({ length: count }, (_, i) => aServer(`${base}.${i}`));
  const config = aConfig([
    aService({ name: 'none', servers: [] }),
    aService({ name: 'large', servers: servers('10.0', 1250) }),
    aService({ name: 'small', servers: servers('10.1', 2) }),
  ]);
  const taken: string[] = [];
  let pauses = 0;
  const parcel = sendServers(config);
  expect(parcel.config.services.flatMap((service) => service.servers)).toEqual([]);
  const received = await receiveServers(
    parcel,
    (server, service, index) => {
      taken.push(`${service} ${index} ${pauses}`);
      return server;
    },
    async () => {
      pauses += 1;
    },
  );
  expect(received).toEqual(config);
  expect([taken[0], taken[499], taken[500], taken[1249], taken[1250], taken[1251]]).toEqual([
    '1 0 0',
    '1 499 0',
    '1 500 1',
    '1 1249 2',
    '2 0 2',
    '2 1 2',
  ]);
});
