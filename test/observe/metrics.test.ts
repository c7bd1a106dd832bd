import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { AgentEvent } from '../../src/core/event.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { metricNames, metricTable } from '../../src/observe/metric-table.ts';
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts';
import { testWith } from '../support/program.ts';
import {
  byMark,
  change,
  failing,
  makeServer,
  makeSnapshot,
  noDescriptors,
  passing,
  ranCheck,
  ref,
  seen,
  snapshotService,
  web,
} from './support.ts';

const first = '172.16.100.10:80';
const second = '172.16.100.11:80';

function busySnapshot(): Snapshot {
  const services = [
    {
      ...snapshotService(web, {
        [first]: {
          connections: { active: 7, inactive: 3, persistent: 1 },
          lastChangeAtMs: 1_800_000_000_500,
        },
        [second]: {
          health: 'down',
          state: 'down',
          weight: { configured: 1, desired: undefined, kernel: undefined },
          checks: [ranCheck('web', second, seen(failing))],
        },
      }),
      traffic: { connections: 10, incomingPackets: 20, outgoingPackets: 0, incomingBytes: 3000, outgoingBytes: 0 },
    },
    snapshotService(
      byMark,
      {
        '[2001:db8::10]:0': {
          state: 'maintenance',
          checks: [ranCheck('by-mark', '[2001:db8::10]:0', noDescriptors)],
        },
      },
      { isUp: false, isFailOpenActive: true },
    ),
  ];
  return makeSnapshot(services);
}

const serviceRow = {
  identity: web.identity,
  scheduler: 'wlc',
  schedulerFlags: [],
  isOnePacket: false,
  persistence: undefined,
};

const busyEvents: readonly AgentEvent[] = [
  { type: 'check_ran', checks: [ref('web', first)], result: seen(passing), durationMs: 4, lagMs: 0.5 },
  { type: 'check_ran', checks: [ref('web', second)], result: seen(failing), durationMs: 30, lagMs: 2 },
  { type: 'check_ran', checks: [ref('web', second)], result: seen(failing), durationMs: 7000, lagMs: 2 },
  { type: 'check_ran', checks: [ref('by-mark', '[2001:db8::10]:0')], result: noDescriptors, durationMs: 1, lagMs: 1 },
  change('down', { server: second }),
  change('down', { server: second }),
  change('up', { server: second }),
  { type: 'service_changed', service: 'by-mark', to: 'down', serversUp: 0, serversTotal: 1 },
  {
    type: 'reconciled',
    trigger: 'transition',
    isOk: false,
    durationMs: 8,
    results: [
      { op: { kind: 'add_server', service: serviceRow, server: makeServer('172.16.100.10') } },
      { op: { kind: 'del_server', service: serviceRow, server: makeServer('172.16.100.11') }, error: 'ENOENT' },
    ],
  },
  {
    type: 'drift_found',
    isRepaired: true,
    drifts: [{ kind: 'missing', service: 'TCP 172.16.100.100:80', server: first }],
  },
];

async function busyText(): Promise<string> {
  const metrics = createMetrics({ version: '0.1.0', snapshot: busySnapshot });
  for (const event of busyEvents) metrics.observe(event);
  return textOf(metrics);
}

async function textOf(metrics: Metrics): Promise<string> {
  return String(Buffer.concat((await metrics.render()).body));
}

function series(text: string, name: string): readonly string[] {
  return text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

test('a known sequence of events and a known snapshot give exactly the golden exposition', async () => {
  const ours = (await busyText())
    .split('\n')
    .filter((line) => !/^(# (HELP|TYPE) )?(process|nodejs)_/.test(line) && line !== '')
    .map((line) => line.replace(process.version, 'NODE'));
  const golden = readFileSync(join(__dirname, '../golden/metrics.txt'), 'utf8');
  expect(`${ours.join('\n')}\n`).toBe(golden);
});

test('many series are handed over in pieces, of whole lines', async () => {
  const servers = Array.from({ length: 2000 }, (_, index) => makeServer('10.0.0.1', index + 1));
  const service = snapshotService({ ...web, servers, fallbackServers: [] });
  const metrics = createMetrics({ version: '0.1.0', snapshot: () => makeSnapshot([service]) });
  const { body } = await metrics.render();
  expect(Math.max(...body.map(({ length }) => length))).toBeLessThan(70_000);
  expect(body.map((piece) => String(piece.subarray(-1))).filter((end) => end !== '\n')).toEqual([]);
  expect(series(String(Buffer.concat(body)), 'lvsd_server_up')).toEqual(
    servers.map(({ port }) => `lvsd_server_up{service="web",server="10.0.0.1:${port}"} 1`),
  );
});

test('while thousands of servers are written, others have their turn after each hundred', async () => {
  const servers = Array.from({ length: 3000 }, (_, index) => makeServer('10.0.0.1', index + 1));
  const snapshot = makeSnapshot([snapshotService({ ...web, servers, fallbackServers: [] })]);
  const metrics = createMetrics({ version: '0.1.0', snapshot: () => snapshot });
  let isWriting = true;
  let turns = 0;
  const others = () => {
    turns += 1;
    if (isWriting) setImmediate(others);
  };
  setImmediate(others);
  await metrics.render();
  isWriting = false;
  expect(turns).toBeGreaterThanOrEqual(3000 / 100);
});

test('every metric of the table is announced with its type', async () => {
  const text = await busyText();
  for (const name of metricNames) expect(text).toContain(`# TYPE ${name} ${metricTable[name].type}\n`);
});

test.each([
  ['service', { service: true, server: false, check: false }],
  ['server', { service: true, server: true, check: false }],
  ['check', { service: true, server: true, check: true }],
] as const)('down to each %s there are series, and no finer ones', async (detail, shown) => {
  const metrics = createMetrics({ version: '0.1.0', snapshot: busySnapshot });
  metrics.setDetail(detail);
  const text = await textOf(metrics);
  const has = (name: string) => series(text, name).length > 0;
  expect({ service: has('lvsd_service_up'), server: has('lvsd_server_up'), check: has('lvsd_check_up') }).toEqual(
    shown,
  );
  expect(text.includes('server="')).toBe(shown.server);
});

test('the process shows its own metrics, without the gauges that end like counters', async () => {
  const text = await busyText();
  expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
  expect(text).not.toMatch(/nodejs_active_\w+_total/);
});

test('before there is a snapshot the agent is not ready, and known counters are 0', async () => {
  const text = await textOf(createMetrics({ version: '0.1.0', snapshot: () => undefined }));
  expect(series(text, 'lvsd_ready')).toEqual(['lvsd_ready 0']);
  expect(series(text, 'lvsd_ipvs_operations_total')).toHaveLength(12);
  expect(series(text, 'lvsd_service_up')).toEqual([]);
});

test('what left the configuration has no series after the reload, what stayed keeps its counts', async () => {
  let now = busySnapshot();
  const metrics = createMetrics({ version: '0.1.0', snapshot: () => now });
  for (const event of busyEvents) metrics.observe(event);
  const smaller = { ...web, servers: web.servers.slice(1), fallbackServers: [] };
  now = makeSnapshot([snapshotService(smaller)]);
  metrics.observe({ type: 'config_reloaded', services: 1, servers: 1 });
  metrics.observe({ type: 'check_ran', checks: [ref('web', first)], result: seen(failing), durationMs: 1, lagMs: 0 });
  metrics.observe({ type: 'service_changed', service: 'by-mark', to: 'up', serversUp: 1, serversTotal: 1 });

  const text = await textOf(metrics);
  expect(text).not.toContain('by-mark');
  expect(text).not.toContain(first);
  expect(series(text, 'lvsd_server_transitions_total')).toEqual([
    `lvsd_server_transitions_total{service="web",server="${second}",to="up"} 1`,
    `lvsd_server_transitions_total{service="web",server="${second}",to="down"} 2`,
  ]);
});

test('a reload while the exposition is written costs no further snapshot', async () => {
  const servers = Array.from({ length: 300 }, (_, index) => makeServer('10.0.0.1', index + 1));
  let now = makeSnapshot([snapshotService({ ...web, servers, fallbackServers: [] })]);
  let snapshots = 0;
  const metrics = createMetrics({
    version: '0.1.0',
    snapshot: () => {
      snapshots += 1;
      return now;
    },
  });
  const rendering = metrics.render();
  await new Promise((resolve) => setImmediate(resolve));
  now = makeSnapshot([snapshotService({ ...web, servers: servers.slice(0, 1), fallbackServers: [] })]);
  metrics.observe({ type: 'config_reloaded', services: 1, servers: 1 });
  await rendering;
  expect(snapshots).toBe(2);
});

test('a run of a server that a reload has just brought is counted before anybody said so', async () => {
  let now = makeSnapshot([snapshotService({ ...web, servers: web.servers.slice(1), fallbackServers: [] })]);
  const metrics = createMetrics({ version: '0.1.0', snapshot: () => now });
  await metrics.render();
  now = busySnapshot();
  metrics.observe({ type: 'check_ran', checks: [ref('web', first)], result: seen(failing), durationMs: 1, lagMs: 0 });
  expect(series(await textOf(metrics), 'lvsd_check_failures_total')).toEqual([
    `lvsd_check_failures_total{service="web",server="${first}",check="http",type="http",reason="L7STS"} 1`,
  ]);
});

test('the counters of the kernel are read again before they are shown', async () => {
  let now: Snapshot | undefined;
  const metrics = createMetrics({
    version: '0.1.0',
    snapshot: () => now,
    refresh: async () => {
      now = busySnapshot();
    },
  });
  expect(series(await textOf(metrics), 'lvsd_service_connections_total')).toEqual([
    'lvsd_service_connections_total{service="web"} 10',
  ]);
});

test('quotes, backslashes and newlines in a name cannot break out of their label', async () => {
  const named = { ...web, name: 'a"b\\c\nd', servers: [], fallbackServers: [] };
  const metrics = createMetrics({ version: '0.1.0', snapshot: () => makeSnapshot([snapshotService(named)]) });
  const text = await textOf(metrics);
  expect(series(text, 'lvsd_service_up')).toEqual(['lvsd_service_up{service="a\\"b\\\\c\\nd"} 1']);
});

testWith('promtool', 'prometheus')('promtool finds nothing to say about the exposition', async () => {
  const input = await busyText();
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
  expect({ status, says: stdout + stderr }).toEqual({ status: 0, says: '' });
});
