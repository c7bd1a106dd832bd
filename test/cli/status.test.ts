import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { formatAge } from '../../src/cli/output.ts';
import { socketOf, status } from '../../src/cli/status.ts';
import { fail } from '../../src/core/observation.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { openAdmin, temporaryDirectory } from '../admin/support.ts';
import { byMark, makeSnapshot, noDescriptors, ranCheck, seen, snapshotService, web } from '../observe/support.ts';

let directory: string;
let socketPath: string;
beforeEach(() => {
  directory = temporaryDirectory();
  socketPath = join(directory, 'admin.sock');
});
afterEach(() => rmSync(directory, { recursive: true }));

const nowMs = Date.UTC(2026, 10, 22, 12, 0, 0);
const first = '172.16.100.10:80';
const second = '172.16.100.11:80';

async function run(isJson = false) {
  let out = '';
  let err = '';
  const stdout = { write: (text: string) => (out += text) };
  const stderr = { write: (text: string) => (err += text) };
  const code = await status({ socketPath, isJson, stdout, stderr, now: () => nowMs });
  return { code, out, err };
}

async function runAgainst(snapshot: Snapshot | undefined, isJson = false) {
  const admin = openAdmin({ snapshot: () => snapshot });
  await admin.listenAdmin(socketPath);
  try {
    return await run(isJson);
  } finally {
    await admin.close();
  }
}

const sick = makeSnapshot([
  snapshotService(
    web,
    {
      [first]: {
        connections: { active: 812, inactive: 7, persistent: 0 },
        lastChangeAtMs: nowMs - 3 * 86_400_000 - 4 * 3_600_000,
      },
      [second]: {
        health: 'down',
        state: 'down',
        lastChangeAtMs: nowMs - 125_000,
        weight: { configured: 1, desired: undefined, kernel: undefined },
        checks: [ranCheck('web', second, seen(fail('L7STS', 'status 503\x1b[31m\nforged')))],
      },
    },
    { serversUp: 1, isFallbackActive: true },
  ),
  snapshotService(
    byMark,
    {
      '[2001:db8::10]:0': {
        state: 'draining',
        weight: { configured: 3, desired: 0, kernel: 0 },
        checks: [ranCheck('by-mark', '[2001:db8::10]:0', noDescriptors)],
      },
    },
    { isFailOpenActive: true },
  ),
]);

test('the status is laid out as ipvsadm lays out its table, with health beside it', async () => {
  const { out, err } = await runAgainst(sick);
  expect(out.split('\n')).toEqual([
    'lvsd 0.1.0, ready, ipvs up, engine libc',
    'SERVICE  ADDRESS  SCHEDULER  UP  STATE',
    '  -> SERVER                   FWD  WEIGHT  ACTIVE  INACT  STATE     CHECK                             SINCE',
    'web  TCP 172.16.100.100:80  wlc  1/2  up,fallback',
    '  -> 172.16.100.10:80         dr        2     812      7  up        L7OK status 200                   3d4h',
    '  -> 172.16.100.11:80         dr      -/1       -      -  down      L7STS status 503\\x1b[31m\\nforged  2m5s',
    '  -> 127.0.0.1:80 (fallback)  dr        1       -      -  up        -                                 -',
    'by-mark  FWM 10 IPv6  wlc  1/1  up,fail-open',
    '  -> [2001:db8::10]:0         dr      0/3       -      -  draining  EMFILE too many open files        -',
    '',
  ]);
  expect(err).toBe('');
});

test('it says when the agent is not ready, the kernel has no IPVS, or the file was rejected', async () => {
  const isFalse = { isReady: false, isIpvsUp: false, isConfigCurrent: false };
  const { out } = await runAgainst({ ...makeSnapshot([]), ...isFalse, engine: 'node' });
  expect(out.split('\n')[0]).toBe(
    'lvsd 0.1.0, not ready, ipvs down, engine node, the configuration file was rejected, the one before it runs',
  );
});

test('it says why probes are not made with libc', async () => {
  const snapshot = { ...makeSnapshot([]), engine: 'node', engineFault: 'koffi: no\nbinary' } as const;
  const { out } = await runAgainst(snapshot);
  expect(out.split('\n')[0]).toBe('lvsd 0.1.0, ready, ipvs up, engine node (koffi: no\\nbinary)');
  const { out: json } = await runAgainst(snapshot, true);
  expect(JSON.parse(json)).toMatchObject({ engine: 'node', engine_fault: 'koffi: no\\nbinary' });
  const { out: sound } = await runAgainst(makeSnapshot([]), true);
  expect(JSON.parse(sound)).toMatchObject({ engine: 'libc', engine_fault: null });
});

test.each([
  ['everything is up', snapshotService(web), 0],
  ['a server is down', snapshotService(web, { [second]: { state: 'down' } }), 3],
  [
    'a server is in maintenance and fails',
    snapshotService(web, { [second]: { state: 'maintenance', health: 'down' } }),
    0,
  ],
  ['a server drains and fails', snapshotService(web, { [second]: { state: 'draining', health: 'down' } }), 0],
  ['a service is down', snapshotService(web, {}, { isUp: false }), 3],
] as const)('the exit code when %s', async (_case, service, expected) => {
  expect((await runAgainst(makeSnapshot([service]))).code).toBe(expected);
});

test('--json prints the document of the agent', async () => {
  const { out, code } = await runAgainst(sick, true);
  expect(code).toBe(3);
  const document = JSON.parse(out);
  expect(document).toMatchObject({
    schema_version: 1,
    version: '0.1.0',
    ready: true,
    config_loaded_at: '2026-11-22T12:00:00.000Z',
  });
  expect(document.services[0].servers[1]).toEqual({
    server: second,
    fallback: false,
    forwarding: 'dr',
    state: 'down',
    health: 'down',
    since: '2026-11-22T11:57:55.000Z',
    weight: { configured: 1, desired: null, kernel: null },
    connections: null,
    checks: [
      {
        name: 'http',
        type: 'http',
        health: 'down',
        last: { result: 'fail', reason: 'L7STS', detail: 'status 503\\x1b[31m\\nforged', duration_ms: 12 },
      },
    ],
  });
});

test('without an agent it says so and leaves with 69', async () => {
  expect(await run()).toEqual({
    code: 69,
    out: '',
    err: `Cannot ask the agent at ${socketPath}: no agent is running there (ENOENT)\n`,
  });
});

test('an agent that only starts leaves with 69', async () => {
  const { code, err } = await runAgainst(undefined);
  expect([code, err]).toEqual([69, `Cannot ask the agent at ${socketPath}: it answered 503 starting\n`]);
});

test.each([
  ['{"schema_version":2}', 'it speaks version 2 of the status document, and this lvsd version 1'],
  ['null', 'it speaks version undefined of the status document, and this lvsd version 1'],
  ['not json', 'Unexpected token'],
])('an answer that is not a status document is refused: %s', async (body, message) => {
  const server = createServer((_request, response) => response.end(body));
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const { code, out, err } = await run();
  await new Promise((resolve) => server.close(resolve));
  expect([code, out]).toEqual([69, '']);
  expect(err).toContain(message);
});

test.each([
  [-5_000, '0s'],
  [999, '0s'],
  [59_000, '59s'],
  [60_000, '1m'],
  [125_000, '2m5s'],
  [3_600_000, '1h'],
  [90_061_000, '1d1h'],
])('%i ms ago is %s', (ms, text) => {
  expect(formatAge(ms)).toBe(text);
});

describe('the socket that is asked', () => {
  const service = 'services: [{ name: web, address: 172.16.100.100:80, servers: [{ address: 172.16.100.10:80 }] }]';

  test.each([
    ['that of the configuration', `agent: { admin: { listen: unix:/run/other.sock } }\n${service}`, '/run/other.sock'],
    ['the usual one where it names none', service, '/run/lvsd/admin.sock'],
    ['the usual one where it cannot be understood', 'agent: { admin: { listen: 1 } }', '/run/lvsd/admin.sock'],
  ])('is %s', async (_, text, expected) => {
    const path = join(directory, 'config.yaml');
    writeFileSync(path, `version: 1\n${text}\n`);
    expect(await socketOf(path)).toBe(expected);
  });

  test('is the usual one without a configuration', async () => {
    expect(await socketOf(join(directory, 'none.yaml'))).toBe('/run/lvsd/admin.sock');
  });
});
