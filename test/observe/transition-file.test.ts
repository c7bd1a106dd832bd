import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { AgentEvent, ServerChange } from '../../src/core/event.ts';
import type { ServerSnapshot, Snapshot } from '../../src/core/snapshot.ts';
import { createTransitionFile, type GoneServer } from '../../src/observe/transition-file.ts';
import { change, failing, makeServer, makeSnapshot, passing, ranCheck, seen, snapshotService, web } from './support.ts';

const address = '172.16.100.10';
const inWeb = { service: 'web', server: `${address}:80`, address };
const reloaded: AgentEvent = { type: 'config_reloaded', services: 1, servers: 1 };
const reconciled: AgentEvent = { type: 'reconciled', trigger: 'timer', isOk: true, durationMs: 1, results: [] };

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lvsd-transitions-'));
  path = join(directory, 'ipvsmonitor.log');
});
afterEach(() => rmSync(directory, { recursive: true }));

function open(gone: Iterable<GoneServer> = [], snapshot: () => Snapshot | undefined = () => undefined, at = path) {
  const errors: (string | undefined)[] = [];
  const clock = { now: new Date(2026, 10, 22, 12, 0, 0) };
  const file = createTransitionFile({
    path: at,
    gone,
    snapshot,
    clock: () => clock.now,
    onError: ({ code }) => errors.push(code),
  });
  return { ...file, errors, clock };
}

function written(): string {
  return readFileSync(path, 'utf8');
}

function inSsl(to: 'up' | 'down', overrides: Partial<ServerChange> = {}) {
  return change(to, { service: 'web-ssl', server: `${address}:443`, port: 443, ...overrides });
}

function webWith(state: Partial<ServerSnapshot>): Snapshot {
  return makeSnapshot([snapshotService(web, { [`${address}:80`]: state })]);
}

test('the lines are those of the monitoring script, byte for byte', () => {
  const { observe, clock } = open();
  observe(change('down'));
  clock.now = new Date(2026, 10, 22, 12, 0, 5);
  observe(change('up'));
  expect(written()).toBe('2026-11-22 12:00:00, 172.16.100.10 is gone.\n2026-11-22 12:00:05, 172.16.100.10 is back.\n');
});

test('an address of several services is gone with the first loss and back with the last return', () => {
  const { observe } = open();
  for (const event of [change('down'), inSsl('down'), change('up'), change('down'), inSsl('up')]) observe(event);
  expect(written()).toMatch(/^.* is gone\.\n$/);
  observe(change('up'));
  expect(written()).toMatch(/^.* is gone\.\n.* is back\.\n$/);
});

test('fallback servers, and a first verdict of up, write nothing', () => {
  const { observe } = open();
  observe(change('down', { isFallback: true }));
  observe(change('up', { isFallback: true }));
  observe(change('up', { from: 'unknown' }));
  expect(written()).toBe('');
});

test('what was gone before a restart is not gone again, and comes back', () => {
  const { observe, gone } = open([inWeb]);
  observe(change('down', { from: 'unknown' }));
  expect(written()).toBe('');
  expect(gone()).toEqual([inWeb]);
  observe(change('up'));
  expect(written()).toMatch(/^.* is back\.\n$/);
  expect(gone()).toEqual([]);
});

test('a server gone before a restart and adopted as up is back once all of its checks pass', () => {
  let now = webWith({ checks: [ranCheck('web', `${address}:80`, seen(failing))] });
  const { observe } = open([inWeb], () => now);
  observe(reconciled);
  expect(written()).toBe('');
  now = webWith({ checks: [ranCheck('web', `${address}:80`, seen(passing))] });
  observe(reconciled);
  observe(reconciled);
  expect(written()).toMatch(/^.* is back\.\n$/);
});

test('an address that leaves the configuration while it is gone is forgotten without a word', () => {
  const { observe, gone } = open([], () => makeSnapshot([snapshotService({ ...web, servers: [] })]));
  observe(change('down'));
  observe(reloaded);
  expect(gone()).toEqual([]);
  expect(written()).toMatch(/^.* is gone\.\n$/);
  observe(change('down', { from: 'unknown' }));
  expect(written()).toMatch(/^.* is gone\.\n.* is gone\.\n$/);
});

test('an address that leaves one service while it is up in another is back', () => {
  const ssl = { ...web, name: 'web-ssl', servers: [makeServer(address, 443)], fallbackServers: [] };
  const { observe } = open([], () => makeSnapshot([snapshotService(ssl)]));
  observe(change('down'));
  observe(reloaded);
  expect(written()).toMatch(/^.* is gone\.\n.* is back\.\n$/);
});

test('an address whose port is changed while it is gone is back when the new port is up', () => {
  const moved = { ...web, servers: [makeServer(address, 8080)], fallbackServers: [] };
  const { observe } = open([], () =>
    makeSnapshot([snapshotService(moved, { [`${address}:8080`]: { health: 'unknown', state: 'unknown' } })]),
  );
  observe(change('down'));
  observe(reloaded);
  expect(written()).toMatch(/^.* is gone\.\n$/);
  observe(change('up', { server: `${address}:8080`, port: 8080, from: 'unknown' }));
  expect(written()).toMatch(/^.* is gone\.\n.* is back\.\n$/);
});

test('a server that is still down in the new configuration stays gone', () => {
  const { observe, gone } = open([], () => webWith({ health: 'down', state: 'down' }));
  observe(change('down'));
  observe(reloaded);
  expect(gone()).toEqual([inWeb]);
  expect(written()).toMatch(/^.* is gone\.\n$/);
});

test('after a rotation and reopen() the lines go to the new file', () => {
  const { observe, reopen } = open();
  observe(change('down'));
  renameSync(path, `${path}.1`);
  reopen();
  observe(change('up'));
  expect(readFileSync(`${path}.1`, 'utf8')).toMatch(/^.* is gone\.\n$/);
  expect(written()).toMatch(/^.* is back\.\n$/);
});

test('lines are appended to what is there', () => {
  const before = open();
  before.observe(change('down'));
  before.close();
  open([inWeb]).observe(change('up'));
  expect(written()).toMatch(/^.* is gone\.\n.* is back\.\n$/);
});

test('a file that cannot be written is reported once, and used again when it can', () => {
  const missing = join(directory, 'missing');
  const { observe, errors } = open([], () => undefined, join(missing, 'file'));
  observe(change('down'));
  observe(change('up'));
  expect(errors).toEqual(['ENOENT']);
  expect(existsSync(missing)).toBe(false);
  spawnSync('mkdir', [missing]);
  observe(change('down'));
  expect(readFileSync(join(missing, 'file'), 'utf8')).toMatch(/^.* is gone\.\n$/);
});

test('a full disk is an error, not the end', () => {
  const { observe, errors } = open([], () => undefined, '/dev/full');
  observe(change('down'));
  observe(change('up'));
  expect(errors).toEqual(['ENOSPC']);
});

test('a FIFO that nobody reads does not hold the agent up', () => {
  spawnSync('mkfifo', [path]);
  const { observe, errors } = open();
  observe(change('down'));
  expect(errors).toEqual(['ENXIO']);
});
