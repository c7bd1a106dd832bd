import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type HostRecord, openRecord } from '../../src/host/record.ts';

const record: HostRecord = {
  plan: [{ kind: 'sysctl', path: 'net/ipv4/ip_forward', value: '1' }],
  changes: [
    {
      setting: { kind: 'sysctl', path: 'net/ipv4/ip_forward', value: '1' },
      before: { 'net/ipv4/ip_forward': '0', 'net/ipv4/conf/all/accept_redirects': '1' },
    },
  ],
};

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lvsd-record-'));
});
afterEach(() => {
  chmodSync(directory, 0o700);
  rmSync(directory, { recursive: true });
});

test('what was saved is loaded, for its role alone', () => {
  openRecord(directory, 'director').save(record);
  expect(openRecord(directory, 'director').load()).toEqual(record);
  expect(openRecord(directory, 'realserver').load()).toBeUndefined();
});

test('it is a file of the network namespace that only its owner reads, in a directory that is made', () => {
  const file = openRecord(join(directory, 'new'), 'realserver');
  file.save(record);
  expect(file.path).toBe(join(directory, 'new', `realserver-${statSync('/proc/self/ns/net').ino}.json`));
  expect(statSync(file.path).mode & 0o777).toBe(0o600);
});

test('removed, it is gone, and can be removed again', () => {
  const file = openRecord(directory, 'director');
  file.save(record);
  file.remove();
  file.remove();
  expect(existsSync(file.path)).toBe(false);
  expect(file.load()).toBeUndefined();
});

test('a record of an earlier start of the machine is void', () => {
  const file = openRecord(directory, 'director');
  file.save(record);
  const content = { start: 'another', record };
  const checksum = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  writeFileSync(file.path, JSON.stringify({ version: 1, checksum, ...content }));
  expect(file.load()).toBeUndefined();
});

test.each([
  ['changed', (text: string) => text.replace('"0"', '"1"')],
  ['cut off', (text: string) => text.slice(0, -20)],
  ['of another version', (text: string) => text.replace('"version":1', '"version":2')],
  ['empty', () => ''],
  ['something else', () => 'null'],
])('one that is %s is not trusted, and the message says where it is and what to do', (_case, damage) => {
  const file = openRecord(directory, 'director');
  file.save(record);
  writeFileSync(file.path, damage(readFileSync(file.path, 'utf8')));
  expect(() => file.load()).toThrow(
    `Cannot trust ${file.path} as its checksum is wrong: look at it, undo by hand what it lists, and remove it`,
  );
});

test('one that is a directory is an error that names it', () => {
  const file = openRecord(directory, 'director');
  mkdirSync(file.path);
  expect(() => file.load()).toThrow(`Cannot read ${file.path}`);
  expect(() => file.save(record)).toThrow(`Cannot write ${file.path}: the system answered EISDIR`);
});
