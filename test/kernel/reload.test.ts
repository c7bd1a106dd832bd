import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Agent, scrape, transitionsIn, until } from './support/agent.ts';
import { savedRows, serversOf } from './support/ipvsadm.ts';
import { firstServer, openScene, type Scene, secondServer, vip, web } from './support/scene.ts';
import { settings, webService } from './support/settings.ts';

let scene: Scene;
let agent: Agent;

beforeAll(async () => {
  scene = await openScene();
});

afterAll(() => scene.close());

describe('with a bad file', () => {
  const good = settings([webService()]);
  const server = '{ name: web, address: "172.16.100.100:80", servers: [172.16.100.10] }';

  beforeAll(async () => {
    agent = await scene.startReady(good);
  });

  afterAll(() => scene.reset());

  test.each<[what: string, make: (path: string) => void, issue: RegExp]>([
    ['is empty', (path) => writeFileSync(path, ''), /:1:1: /],
    ['is missing', () => {}, /no such file/],
    ['is binary', (path) => writeFileSync(path, Buffer.from('version: 1\n\0\x7fELF')), /:2:1: .*NUL/],
    ['is a directory', (path) => mkdirSync(path), /is a directory/],
    ['is a FIFO', (path) => execFileSync('mkfifo', [path]), /is a FIFO/],
    ['is cut short', (path) => writeFileSync(path, `version: 1\nservices:\n  - ${server.slice(0, -3)}`), /:3:\d+: /],
    ['has an error of syntax', (path) => writeFileSync(path, 'version: 1\nservices: [\n  }'), /:3:\d+: /],
    [
      'has an unknown key',
      (path) => writeFileSync(path, `version: 1\nservises:\n  - ${server}`),
      /:2:1: servises: unknown key 'servises': did you mean 'services'\?/,
    ],
    ['has no services', (path) => writeFileSync(path, 'version: 1\nservices: []\n'), /:2:11: services: /],
    [
      'has a service twice',
      (path) => writeFileSync(path, `version: 1\nservices:\n  - ${server}\n  - ${server}\n`),
      /:4:\d+: services\[1\]\.\w+: service .* is given twice: first in services\[0\]\.\w+ at 3:/,
    ],
  ])('that %s, nothing changes, and the log and a metric say so', async (_, make, issue) => {
    const before = savedRows();
    const from = agent.log.length;
    rmSync(agent.configPath, { recursive: true, force: true });
    make(agent.configPath);
    agent.signal('SIGHUP');
    const line = await agent.event({ 'event.action': 'config_rejected', 'log.level': 'error' }, { from });
    expect(JSON.stringify(line['lvs.issues'])).toMatch(issue);
    await until(lastReload, (value) => value === 0);

    rmSync(agent.configPath, { recursive: true, force: true });
    agent.writeConfig(good);
    agent.signal('SIGHUP');
    await agent.event({ 'event.action': 'config_reloaded' }, { from });
    await until(lastReload, (value) => value === 1);
    expect(savedRows()).toEqual(before);
    expect(transitionsIn(agent, from)).toEqual([]);
  });
});

test('of 200 services one weight changes: that is one op', async () => {
  const check = { type: 'tcp', port: 80 };
  const fleet = (weight: number) =>
    settings(
      Array.from({ length: 200 }, (_, n) => ({
        name: `service-${n}`,
        address: `${vip}:${1000 + n}`,
        checks: [check],
        servers: [{ address: '172.16.100.10', weight: n === 77 ? weight : 1 }],
      })),
    );
  agent = await scene.startReady(fleet(1));
  const before = await ops();
  const rows = savedRows();
  expect(rows).toHaveLength(400);
  agent.writeConfig(fleet(5));
  agent.signal('SIGHUP');
  await agent.event({ 'event.action': 'config_reloaded' });
  await until(ops, (now) => sumOf(now) > sumOf(before));
  const timers = await timerRuns();
  await until(timerRuns, (runs) => runs >= timers + 2);

  const edits = '{operation="edit_server",result="ok"}';
  expect(await ops()).toEqual(new Map([...before, [edits, (before.get(edits) ?? 0) + 1]]));
  const row = `-a -t ${vip}:1077 -r 172.16.100.10:1077 -g -w`;
  expect(savedRows()).toEqual(rows.map((one) => (one === `${row} 1` ? `${row} 5` : one)));
  await scene.reset();
});

test('a server taken out of the file leaves the table, and the metrics', async () => {
  agent = await scene.startReady(settings([webService()]));
  expect(serversOf(web)).toHaveLength(2);
  agent.writeConfig(settings([webService({ servers: [secondServer] })]));
  agent.signal('SIGHUP');
  await until(
    () => serversOf(web),
    (rows) => rows?.join() === `${secondServer} Route 1`,
  );
  const seriesOf = (samples: ReadonlyMap<string, number>, server: string) =>
    [...samples.keys()].filter((name) => name.includes(`server="${server}"`));
  const samples = await until(scrape, (now) => seriesOf(now, firstServer).length === 0);
  expect(seriesOf(samples, secondServer)).not.toEqual([]);
});

async function lastReload(): Promise<number | undefined> {
  return (await scrape()).get('lvsd_config_last_reload_successful');
}

/** How many changes there were, by their labels. */
async function ops(): Promise<ReadonlyMap<string, number>> {
  const family = 'lvsd_ipvs_operations_total';
  const samples = [...(await scrape())].filter(([name]) => name.startsWith(family));
  return new Map(samples.map(([name, value]) => [name.slice(family.length), value]));
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, value) => sum + value, 0);
}

async function timerRuns(): Promise<number> {
  return (await scrape()).get('lvsd_reconcile_runs_total{result="ok",trigger="timer"}') ?? 0;
}
