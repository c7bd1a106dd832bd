import { readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Child } from './child.ts';
import { openScene, type Scene, type Settings, scrape, settings, until, type WebServer } from './support.ts';

let scene: Scene;
let first: WebServer;
let second: WebServer;
let address: string;
let config: Settings;
let agent: Child;
beforeEach(async () => {
  scene = openScene();
  first = await scene.serve();
  second = await scene.serve();
  address = `${scene.host}:${await scene.freePort(scene.host)}`;
  config = settings([first.address, second.address], listeners());
  scene.writeConfig(config);
  agent = scene.run();
  await agent.event({ 'event.action': 'agent_ready' });
});
afterEach(() => scene.close());

const listeners = () => ({ metrics: { listen: address }, admin: { listen: `unix:${scene.socketPath}` } });

/** Writes the file and reloads; resolves with the line that tells what came of it. */
async function reload(file: Settings | string, action = 'config_reloaded') {
  const from = agent.log.length;
  scene.writeConfig(file);
  agent.signal('SIGHUP');
  return agent.event({ 'event.action': action }, from);
}

/** Ops that were applied, by kind. */
async function ops(): Promise<Record<string, number>> {
  const samples = await scrape(address);
  const kinds = ['add_service', 'edit_service', 'del_service', 'add_server', 'edit_server', 'del_server'];
  const count = (kind: string) => samples.get(`lvsd_ipvs_operations_total{operation="${kind}",result="ok"}`) ?? -1;
  return Object.fromEntries(kinds.map((kind) => [kind, count(kind)]));
}

const transitions = () => agent.log.filter((line) => /^(server|service)_/.test(`${line['event.action']}`));

test('one weight changed is one op, and no transition', async () => {
  const series = (kind: string) => `lvsd_server_weight{service="web",server="${first.address}",kind="${kind}"}`;
  const settled = { add_service: 1, edit_service: 0, del_service: 0, add_server: 2, edit_server: 0, del_server: 0 };
  await until(ops, (now) => now.add_server === 2);
  expect(await ops()).toEqual(settled);
  const before = transitions();

  const changed = settings([{ address: first.address, weight: 7 }, second.address], listeners());
  expect(await reload(changed)).toMatchObject({
    'log.level': 'notice',
    'lvs.services.total': 1,
    'lvs.servers.total': 2,
    'event.outcome': 'success',
  });
  await until(
    () => scrape(address),
    (samples) => samples.get(series('kernel')) === 7,
  );
  expect(await ops()).toEqual({ ...settled, edit_server: 1 });
  expect(transitions()).toEqual(before);
});

test('bad files change nothing, are told with their places, and a good one ends that', async () => {
  const loaded = () => scrape(address).then((samples) => samples.get('lvsd_config_last_reload_successful'));
  await until(ops, (now) => now.add_server === 2);
  const before = { ops: await ops(), transitions: transitions() };

  for (const [name, text, places] of badFiles) {
    const rejection = await reload(text, 'config_rejected');
    expect(rejection).toMatchObject({ 'log.level': 'error', 'event.outcome': 'failure' });
    const told = placesOf(rejection['lvs.issues'] as readonly string[]);
    expect({ name, told }).toEqual({ name, told: places });
  }
  unlinkSync(scene.configPath);
  const from = agent.log.length;
  agent.signal('SIGHUP');
  expect(await agent.event({ 'event.action': 'config_rejected' }, from)).toMatchObject({
    'lvs.issues': [`${scene.configPath}:1:1: document: cannot be read: ENOENT: no such file or directory`],
  });

  await until(loaded, (value) => value === 0);
  const status = await scene.lvsd('status', '--socket', scene.socketPath);
  expect(status.ending).toBe(0);
  expect(status.stdout.split('\n')[0]).toContain('the configuration file was rejected');
  expect({ ops: await ops(), transitions: transitions() }).toEqual(before);

  await reload(config);
  await until(loaded, (value) => value === 1);
  expect({ ops: await ops(), transitions: transitions() }).toEqual(before);
});

/** Files, and the place and path of each of their mistakes. */
const badFiles: readonly (readonly [name: string, text: string, places: readonly string[]])[] = [
  ['not YAML', 'version: 1\nservices: [\n', ['3:1: document']],
  ['empty', '', ['1:1: document']],
  ['without services', 'version: 1\nservices: []\n', ['2:11: services']],
  ['large', `${'# comment\n'.repeat(10_000)}version: 1\nservices: []\n`, ['10002:11: services']],
  ['binary', 'version: 1\nservices: \0\n', ['2:11: document']],
  [
    'two mistakes',
    'version: 1\nagnet: {}\nservices:\n  - { name: web, address: 192.0.2.1:80, servers: [10.0.0.1], weight: -1 }\n',
    ['2:1: agnet', '4:70: services[0].weight'],
  ],
];

function placesOf(issues: readonly string[]): readonly string[] {
  return issues.map((issue) =>
    issue
      .slice(scene.configPath.length + 1)
      .split(': ', 2)
      .join(': '),
  );
}

describe('listeners', () => {
  const answers = (where: string) =>
    scrape(where).then(
      () => true,
      () => false,
    );

  test('move to another address and port', async () => {
    const next = `${scene.otherHost}:${await scene.freePort(scene.otherHost)}`;
    await reload(settings([first.address, second.address], { ...listeners(), metrics: { listen: next } }));
    expect(await answers(next)).toBe(true);
    expect(await answers(address)).toBe(false);
    const path = join(scene.directory, 'other.sock');
    await reload(settings([first.address, second.address], { admin: { listen: `unix:${path}` } }));
    expect(await answers(next)).toBe(false);
    expect((await scene.lvsd('status', '--socket', path)).ending).toBe(0);
    expect((await scene.lvsd('status', '--socket', scene.socketPath)).ending).toBe(69);
  });

  test('stay as they are, all of them, when one cannot be had', async () => {
    const busy = (await scene.serve()).address;
    const others = { metrics: { listen: busy }, admin: { listen: `unix:${scene.directory}/other.sock` } };
    const rejection = await reload(settings([first.address, second.address], others), 'config_rejected');
    expect(rejection['lvs.issues']).toEqual([
      `${scene.configPath}: agent: Cannot listen on ${busy}: listen EADDRINUSE: address already in use ${busy}`,
    ]);
    expect(await answers(address)).toBe(true);
    expect((await scene.lvsd('status', '--socket', scene.socketPath)).ending).toBe(0);
    expect((await scene.lvsd('status', '--socket', `${scene.directory}/other.sock`)).ending).toBe(69);

    await reload(config);
    expect(await answers(address)).toBe(true);
  });
});

test('a large file is loaded as a small one is', async () => {
  await until(ops, (now) => now.add_server === 2);
  const weighty = settings([{ address: first.address, weight: 7 }, second.address], listeners());
  await reload(`${'# comment\n'.repeat(10_000)}${JSON.stringify(weighty)}`);
  await until(ops, (now) => now.edit_server === 1);
});

test('the transition file, the level and the format of the log follow the file', async () => {
  const path = join(scene.directory, 'transitions');
  const log = { level: 'debug', transition_file: path };
  await reload(settings([first.address, second.address], { ...listeners(), log }));
  await agent.event({ 'event.action': 'check_passed' });
  first.answer(503);
  await until(
    () => readFileSync(path, 'utf8'),
    (text) => text.endsWith(`, ${first.ip} is gone.\n`),
  );

  scene.writeConfig(settings([first.address, second.address], { ...listeners(), log: { format: 'text' } }));
  agent.signal('SIGHUP');
  const reloaded = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d notice Configuration reloaded: 1 services, 2 servers$/m;
  await until(agent.stdout, (text) => reloaded.test(text));
  first.answer(200);
  await until(agent.stdout, (text) => text.includes(`notice web: ${first.address} is up: L7OK status 200; 2 of 2`));
  const [, afterwards = ''] = agent.stdout().split(reloaded);
  expect(afterwards).not.toContain('passed');
  expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(2);
});

test('20 reloads leave no listener of events behind', async () => {
  for (let count = 0; count < 20; count += 1) await reload(config);
  expect(await agent.stop()).toBe(0);
  expect(agent.stderr()).toBe('');
});
