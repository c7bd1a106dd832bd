import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { statusAnswer } from '../../src/admin/routes.ts';
import type { Admin } from '../../src/admin/server.ts';
import type { Server } from '../../src/core/config.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import type { Status } from '../../src/core/status.ts';
import { byMark, makeServer, makeSnapshot, snapshotService, web } from '../observe/support.ts';
import { ask, manualClock, openAdmin, temporaryDirectory } from './support.ts';

let directory: string;
let path: string;
const open: Admin[] = [];

beforeEach(() => {
  directory = temporaryDirectory();
  path = join(directory, 'run', 'admin.sock');
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((admin) => admin.close()));
  rmSync(directory, { recursive: true });
});

function start(options: Parameters<typeof openAdmin>[0] = {}): Admin {
  const admin = openAdmin(options);
  open.push(admin);
  return admin;
}

async function metricsUrl(options: Parameters<typeof openAdmin>[0] = {}): Promise<string> {
  return (await start(options).listenMetrics({ host: '127.0.0.1', port: 0 })).url;
}

/** Leaves a socket behind on which nobody listens, as a killed agent does. */
function leaveStaleSocket(at: string): void {
  const script = `require('net').createServer().listen(${JSON.stringify(at)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  expect(lstatSync(at).isSocket()).toBe(true);
}

test('the metrics are served with their type and length, and to HEAD without a body', async () => {
  const url = await metricsUrl();
  const got = await ask(url, '/metrics?name=x');
  expect([got.status, got.body]).toEqual([200, 'lvsd_ready 1\n']);
  expect(got.headers).toMatchObject({
    'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    'content-length': '13',
  });
  const head = await ask(url, '/metrics', 'HEAD');
  expect([head.status, head.headers['content-length'], head.body]).toEqual([200, '13', '']);
});

test('an exposition in pieces is served as one', async () => {
  const body = ['a 1\n', '', 'ä 2\n'].map((piece) => Buffer.from(piece));
  const url = await metricsUrl({ render: async () => ({ contentType: 'text/plain', body }) });
  const got = await ask(url, '/metrics');
  expect([got.body, got.headers['content-length']]).toEqual(['a 1\nä 2\n', '9']);
  expect((await ask(url, '/metrics', 'HEAD')).headers['content-length']).toBe('9');
});

test('alive while the loop turns, ready when the snapshot says so', async () => {
  const snapshots = [undefined, { ...makeSnapshot([]), isReady: false }, makeSnapshot([])];
  for (const [index, status] of [503, 503, 200].entries()) {
    const url = await metricsUrl({ snapshot: () => snapshots[index] });
    expect((await ask(url, '/livez')).status).toBe(200);
    expect((await ask(url, '/readyz')).status).toBe(status);
  }
});

test('other paths are not found, other methods not allowed, and nothing on TCP tells the status', async () => {
  const url = await metricsUrl();
  for (const unknown of ['/', '/v1/status', '//metrics', '/metrics/', '/__proto__']) {
    expect((await ask(url, unknown)).status).toBe(404);
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']) {
    const got = await ask(url, '/metrics', method);
    expect([got.status, got.headers.allow]).toEqual([405, 'GET, HEAD']);
  }
});

test('those who ask at once, and within a second, share one rendering', async () => {
  const clock = manualClock();
  let renderings = 0;
  const render = async () => ({ contentType: 'text/plain', body: [Buffer.from(`${++renderings}`)] });
  const admin = start({ render, clock });
  const tcp = (await admin.listenMetrics({ host: '127.0.0.1', port: 0 })).url;
  const unix = (await admin.listenAdmin(path)).url;
  const bodies = await Promise.all([tcp, unix, tcp, unix].map(async (url) => (await ask(url, '/metrics')).body));
  expect(bodies).toEqual(['1', '1', '1', '1']);
  clock.advance(999);
  expect((await ask(tcp, '/metrics')).body).toBe('1');
  clock.advance(1);
  expect((await ask(tcp, '/metrics')).body).toBe('2');
});

test('a rendering that fails is an answer of its own, and is not kept', async () => {
  let isBroken = true;
  const render = async () => {
    if (isBroken) throw new Error('no kernel');
    return { contentType: 'text/plain', body: [Buffer.from('fine')] };
  };
  const url = await metricsUrl({ render });
  expect(await ask(url, '/metrics')).toMatchObject({ status: 500, body: 'Cannot answer: no kernel\n' });
  isBroken = false;
  expect(await ask(url, '/metrics')).toMatchObject({ status: 200, body: 'fine' });
});

test('a reader that does not take its answer in time is cut off', async () => {
  const clock = manualClock();
  const render = async () => ({ contentType: 'text/plain', body: [Buffer.from('x'.repeat(64 * 1024 * 1024))] });
  const url = await metricsUrl({ render, clock });
  const socket = createConnection(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n');
  await once(socket, 'readable');
  clock.advance(30_000);
  socket.resume();
  await once(socket, 'close');
  expect(socket.bytesRead).toBeLessThan(64 * 1024 * 1024);
});

test('headers beyond 8 KiB are refused', async () => {
  const url = await metricsUrl();
  const socket = createConnection(Number(new URL(url).port), '127.0.0.1');
  socket.write(`GET /metrics HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(9000)}\r\n\r\n`);
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 431 /);
  socket.destroy();
});

test('an address that is taken is refused', async () => {
  const url = await metricsUrl();
  const port = Number(new URL(url).port);
  await expect(start().listenMetrics({ host: '127.0.0.1', port })).rejects.toThrow('EADDRINUSE');
});

test('the admin socket tells the status, and is for its owner and group alone', async () => {
  const { url } = await start().listenAdmin(path);
  expect(url).toBe(`unix:${path}`);
  expect(statSync(path).mode & 0o777).toBe(0o660);
  expect(statSync(join(directory, 'run')).mode & 0o777).toBe(0o750);
  const { status, headers, body } = await ask(url, '/v1/status');
  expect([status, headers['content-type']]).toEqual([200, 'application/json']);
  expect(JSON.parse(body)).toMatchObject({ schema_version: 1, services: [{ name: 'web', up: true }] });
  expect((await ask(url, '/v1/status', 'POST')).status).toBe(405);
});

test('the umask is as it was once the socket is bound', async () => {
  const before = process.umask();
  await start().listenAdmin(path);
  expect(process.umask()).toBe(before);
});

test('the status of an agent that has none yet is 503', async () => {
  const { url } = await start({ snapshot: () => undefined }).listenAdmin(path);
  expect(await ask(url, '/v1/status')).toMatchObject({ status: 503, body: 'starting\n' });
});

/** What the status says of a server of `makeServer` that is up and has run its check. */
function upView({ address, port, weight, checks }: Server, fallback = false) {
  return {
    server: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    fallback,
    forwarding: 'dr',
    state: 'up',
    health: 'up',
    since: null,
    weight: { configured: weight, desired: weight, kernel: weight },
    connections: null,
    checks: checks.map(({ name, type }) => ({
      name,
      type,
      health: 'up',
      last: { result: 'pass', reason: 'L7OK', detail: 'status 200', duration_ms: 12 },
    })),
  };
}

const head = {
  schema_version: 1,
  version: '0.1.0',
  ready: true,
  ipvs_up: true,
  config_current: true,
  engine: 'libc',
  engine_fault: null,
  config_loaded_at: '2026-11-22T12:00:00.000Z',
};
const upService = { scheduler: 'wlc', up: true, fallback_active: false, fail_open_active: false };

function manyServers(count: number): readonly Server[] {
  return Array.from({ length: count }, (_, index) => makeServer('10.0.0.1', index + 1));
}

async function statusOf(snapshot: Snapshot): Promise<Status> {
  const { url } = await start({ snapshot: () => snapshot }).listenAdmin(path);
  return JSON.parse((await ask(url, '/v1/status')).body);
}

test('the status has every service with every server of it, and its fallback', async () => {
  const empty = { ...byMark, name: 'empty', servers: [] };
  const snapshot = makeSnapshot([web, empty, byMark].map((service) => snapshotService(service)));
  expect(await statusOf(snapshot)).toEqual({
    ...head,
    services: [
      {
        ...upService,
        name: 'web',
        address: 'TCP 172.16.100.100:80',
        servers_up: 2,
        servers_total: 2,
        servers: [
          ...web.servers.map((server) => upView(server)),
          ...web.fallbackServers.map((server) => upView(server, true)),
        ],
      },
      { ...upService, name: 'empty', address: 'FWM 10 IPv6', servers_up: 0, servers_total: 0, servers: [] },
      {
        ...upService,
        name: 'by-mark',
        address: 'FWM 10 IPv6',
        servers_up: 1,
        servers_total: 1,
        servers: byMark.servers.map((server) => upView(server)),
      },
    ],
  });
});

test('the status of an agent without services has none', async () => {
  expect(await statusOf(makeSnapshot([]))).toEqual({ ...head, services: [] });
});

test('the status of thousands of servers is whole, whatever pieces it is written in', async () => {
  const services = ['first', 'second'].map((name) => ({ ...web, name, servers: manyServers(2000) }));
  const status = await statusOf(makeSnapshot(services.map((service) => snapshotService(service))));
  const expected = [...manyServers(2000).map((server) => upView(server)), upView(makeServer('127.0.0.1'), true)];
  expect(status.services.map(({ name }) => name)).toEqual(['first', 'second']);
  for (const { servers } of status.services) {
    expect(servers.slice(0, 2000)).toEqual(expected.slice(0, 2000));
    expect(servers.slice(2000)).toEqual([{ ...expected[2000], checks: [] }]);
  }
});

test('while the status of thousands of servers is written, others have their turn between its pieces', async () => {
  const service = snapshotService({ ...web, servers: manyServers(4000), fallbackServers: [] });
  let isWriting = true;
  let turns = 0;
  const others = () => {
    turns += 1;
    if (isWriting) setImmediate(others);
  };
  setImmediate(others);
  const { body } = await statusAnswer(makeSnapshot([service]));
  isWriting = false;
  expect(body.length).toBeGreaterThan(10);
  expect(Math.max(...body.map(({ length }) => length))).toBeLessThan(70_000);
  expect(turns).toBeGreaterThanOrEqual(body.length - 1);
});

test('those who ask for the status at once share one rendering; who comes later has another', async () => {
  const clock = manualClock();
  let renderings = 0;
  let finish: (() => void) | undefined;
  const { url } = await start({
    clock,
    refresh: () =>
      new Promise((resolve) => {
        finish = resolve;
      }),
    snapshot: () => ({ ...makeSnapshot([]), version: `${++renderings}` }),
  }).listenAdmin(path);
  const versionsFor = async (count: number) => {
    const asked = Array.from({ length: count }, () => ask(url, '/v1/status'));
    // Each request that has come has a limit to its answer.
    while (finish === undefined || clock.pending() < count) await turn();
    finish();
    finish = undefined;
    return (await Promise.all(asked)).map(({ body }) => JSON.parse(body).version);
  };
  expect(await versionsFor(3)).toEqual(['1', '1', '1']);
  clock.advance(0);
  expect(await versionsFor(1)).toEqual(['2']);
});

test('a socket that a killed agent left is replaced', async () => {
  path = join(directory, 'stale.sock');
  leaveStaleSocket(path);
  const { url } = await start().listenAdmin(path);
  expect((await ask(url, '/livez')).status).toBe(200);
});

test('a socket that somebody answers on is left alone', async () => {
  path = join(directory, 'live.sock');
  const { url } = await start().listenAdmin(path);
  await expect(start().listenAdmin(path)).rejects.toThrow('another process answers there');
  expect((await ask(url, '/livez')).status).toBe(200);
});

test('a file or a link in place of the socket is refused and stays what it was', async () => {
  const file = join(directory, 'file');
  const link = join(directory, 'link');
  const socket = join(directory, 'socket');
  leaveStaleSocket(socket);
  writeFileSync(file, 'precious');
  symlinkSync(socket, link);
  for (const taken of [file, link]) {
    await expect(start().listenAdmin(taken)).rejects.toThrow('is not a socket');
  }
  expect(readFileSync(file, 'utf8')).toBe('precious');
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(existsSync(socket)).toBe(true);
});

test('after close() the socket is gone, and with it every connection and timer', async () => {
  const clock = manualClock();
  const admin = start({ clock });
  const { url } = await admin.listenAdmin(path);
  await ask(url, '/metrics');
  const idle = createConnection(path);
  await once(idle, 'connect');
  await admin.close();
  await once(idle, 'close');
  expect(existsSync(path)).toBe(false);
  expect(clock.pending()).toBe(0);
});

test('a rendering that outlives close() leaves no timer', async () => {
  const clock = manualClock();
  let finish = () => {};
  const started = new Promise<void>((resolve) => {
    const admin = start({
      clock,
      render: () =>
        new Promise((done) => {
          finish = () => done({ contentType: 'text/plain', body: [Buffer.from('late')] });
          resolve();
        }),
    });
    void admin.listenAdmin(path).then(({ url }) => ask(url, '/metrics').catch(() => {}));
  });
  await started;
  await Promise.all(open.map((admin) => admin.close()));
  finish();
  await new Promise((resolve) => setImmediate(resolve));
  expect(clock.pending()).toBe(0);
});
