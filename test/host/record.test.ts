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

/** As the file is written, and then something happens to it. */
function saveDamaged(damage: (text: string) => string) {
  const file = openRecord(directory, 'director');
  file.save(record);
  writeFileSync(file.path, damage(readFileSync(file.path, 'utf8')));
  return file;
}

const ofAnotherStart = (text: string) => text.replace(/"start":"[^"]*"/, '"start":"another"');
const ofAnotherNamespace = (text: string) => text.replace(/"namespace":"\d+"/, '"namespace":"0"');

test.each([
  ['of an earlier start of the machine', ofAnotherStart],
  ['of a namespace that had the number before', ofAnotherNamespace],
  ['cut off in an earlier start', (text: string) => ofAnotherStart(text).slice(0, -20)],
])('one that is %s is void, and is replaced', (_case, damage) => {
  const file = saveDamaged(damage);
  expect(file.load()).toBeUndefined();
  file.save(record);
  expect(file.load()).toEqual(record);
});

test('one of an unknown namespace counts, as its number is all that is known', () => {
  expect(saveDamaged((text) => text.replace(/"namespace":"\d+"/, '"namespace":""')).load()).toEqual(record);
});

test.each([
  ['changed', (text: string) => text.replace('"0"', '"1"'), 'its checksum is wrong'],
  ['cut off', (text: string) => text.slice(0, 200), 'it is no whole JSON but 200 characters'],
  ['of another version', (text: string) => text.replace('"version":1', '"version":2'), 'its version is 2 and not 1'],
  ['empty', () => '', 'it is empty'],
  ['something else', () => 'null', 'its version is undefined and not 1'],
])('one that is %s is not trusted, and the message says where it is and where to look', (_case, damage, why) => {
  const file = saveDamaged(damage);
  expect(() => file.load()).toThrow(
    `Cannot trust ${file.path} as ${why}: look for what lvsd director up has set in 'ip address', 'ip route show table local', the nftables table inet lvsd, and the sysctls net.ipv4.ip_forward, net.ipv6.conf.all.forwarding, send_redirects and accept_ra, undo that by hand, and then move the file away`,
  );
});

test('of a real server the message says where its settings are', () => {
  const file = openRecord(directory, 'realserver');
  writeFileSync(file.path, '');
  expect(() => file.load()).toThrow(/'ip address', 'ip link', and the sysctls arp_ignore, .* move the file away/);
});

test('one that is a directory is an error that names it', () => {
  const file = openRecord(directory, 'director');
  mkdirSync(file.path);
  expect(() => file.load()).toThrow(`Cannot read ${file.path}`);
  expect(() => file.save(record)).toThrow(`Cannot write ${file.path}: the system answered EISDIR`);
});
