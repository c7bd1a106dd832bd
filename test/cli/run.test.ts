import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openScene, type Scene, scrape, settings, until, type WebServer } from './support.ts';

let scene: Scene;
let first: WebServer;
let second: WebServer;
beforeEach(async () => {
  scene = openScene();
  first = await scene.serve();
  second = await scene.serve();
});
afterEach(() => scene.close());

describe('a server that goes down and comes back', () => {
  test('shows in the log, the metrics, the status and the exit code of status', async () => {
    const address = `${scene.host}:${await scene.freePort(scene.host)}`;
    const listeners = { metrics: { listen: address }, admin: { listen: `unix:${scene.socketPath}` } };
    scene.writeConfig(settings([{ address: first.address, weight: 2 }, second.address], listeners));
    const labels = `service="web",server="${first.address}"`;
    const agent = scene.run();
    const { log } = agent;
    const ask = () => scene.lvsd('status', '-c', scene.configPath);
    await agent.event({ 'event.action': 'agent_ready' });

    expect(await ask()).toMatchObject({ ending: 0, stderr: '' });
    const up = log.length;
    first.answer(503);
    expect(await agent.event({ 'event.action': 'server_down' }, up)).toMatchObject({
      'log.level': 'error',
      'lvs.service': 'web',
      'lvs.server': first.address,
      'server.ip': first.ip,
      'lvs.reason': 'L7STS',
      'lvs.state.from': 'up',
      'lvs.state.to': 'down',
      'lvs.weight.from': 2,
      'lvs.weight.to': 0,
      'lvs.servers.up': 1,
      'lvs.servers.total': 2,
    });
    const metrics = await until(
      () => scrape(address),
      (samples) => samples.get(`lvsd_server_up{${labels}}`) === 0,
    );
    expect(metrics.get(`lvsd_server_state{${labels},state="down"}`)).toBe(1);
    expect(metrics.get(`lvsd_server_transitions_total{${labels},to="down"}`)).toBe(1);
    expect(metrics.get('lvsd_service_up{service="web"}')).toBe(1);
    const down = await ask();
    expect(down).toMatchObject({ ending: 3, stderr: '' });
    expect(down.stdout).toContain('web  TCP 192.0.2.1:80  wlc  1/2  up\n');
    expect(down.stdout).toMatch(new RegExp(`-> ${first.address} .*  down +L7STS status 503`));

    const gone = log.length;
    first.answer(200);
    expect(await agent.event({ 'event.action': 'server_up' }, gone)).toMatchObject({
      'log.level': 'notice',
      'lvs.server': first.address,
      'lvs.state.from': 'down',
      'lvs.weight.from': 0,
      'lvs.weight.to': 2,
    });
    await until(
      () => scrape(address),
      (samples) => samples.get(`lvsd_server_weight{${labels},kind="kernel"}`) === 2,
    );
    expect((await ask()).ending).toBe(0);
    expect(await agent.stop()).toBe(0);
    expect(log.slice(-2).map((line) => line['event.action'])).toEqual(['agent_stopping', 'agent_stopped']);
    expect((await ask()).ending).toBe(69);
    expect(agent.stderr()).toBe('');
  });

  test('is a line of the monitoring script each in the transition file', async () => {
    const path = join(scene.directory, 'transitions');
    scene.writeConfig(settings([first.address, second.address], { log: { transition_file: path } }));
    const agent = scene.run();
    await agent.event({ 'event.action': 'agent_ready' });
    first.answer(503);
    await agent.event({ 'event.action': 'server_down' });
    const down = agent.log.length;
    first.answer(200);
    await agent.event({ 'event.action': 'server_up' }, down);
    // The line of the log is written first.
    expect(await agent.stop()).toBe(0);
    const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`;
    expect(readFileSync(path, 'utf8')).toMatch(
      new RegExp(`^${time}, ${first.ip} is gone\\.\n${time}, ${first.ip} is back\\.\n$`),
    );
  });
});

test('a transition file that cannot be written is told at the start, and at a reload', async () => {
  const into = (path: string) => settings([first.address], { log: { transition_file: path } });
  const missing = join(scene.directory, 'missing/transitions');
  scene.writeConfig(into(missing));
  const agent = scene.run();
  expect(await agent.event({ 'event.action': 'agent_warning' })).toMatchObject({
    'error.code': 'ENOENT',
    message: expect.stringContaining(`Cannot write ${missing}: `),
  });
  scene.writeConfig(into(scene.directory));
  agent.signal('SIGHUP');
  await agent.event({ 'event.action': 'agent_warning', 'error.code': 'EISDIR' });
  expect(await agent.stop()).toBe(0);
});

test('SIGUSR1 opens the transition file anew after a rename, and no inspector', async () => {
  const path = join(scene.directory, 'transitions');
  scene.writeConfig(settings([first.address, second.address], { log: { transition_file: path } }));
  const agent = scene.run();
  await agent.event({ 'event.action': 'agent_ready' });
  first.answer(503);
  await until(
    () => readFileSync(path, 'utf8'),
    (text) => text !== '',
  );
  renameSync(path, `${path}.1`);
  agent.signal('SIGUSR1');
  await until(
    () => existsSync(path),
    (isThere) => isThere,
  );
  second.answer(503);
  await agent.event({ 'event.action': 'server_down', 'lvs.server': second.address });
  expect(await agent.stop()).toBe(0);
  expect(readFileSync(`${path}.1`, 'utf8')).toMatch(new RegExp(`^.*, ${first.ip} is gone\\.\n$`));
  expect(readFileSync(path, 'utf8')).toMatch(new RegExp(`^.*, ${second.ip} is gone\\.\n$`));
  expect(agent.stderr()).toBe('');
});

describe('the end', () => {
  test.each([['SIGTERM'], ['SIGINT']] as const)('%s during the start ends with 0', async (signal) => {
    scene.writeConfig(settings([first.address]));
    const agent = scene.run();
    await agent.event({ 'event.action': 'agent_started' });
    expect(await agent.stop(signal)).toBe(0);
    expect(agent.log.at(-2)).toMatchObject({ 'event.action': 'agent_stopping', message: `Stopping: ${signal}` });
    expect(agent.log.at(-1)).toMatchObject({ 'event.action': 'agent_stopped' });
    expect(agent.stderr()).toBe('');
  });

  test('comes within 5 s though a probe waits for its answer', async () => {
    const silent = await scene.hang();
    scene.writeConfig(settings([silent.address]));
    const agent = scene.run();
    await silent.asked;
    const askedMs = performance.now();
    expect(await agent.stop()).toBe(0);
    expect(performance.now() - askedMs).toBeLessThan(5000);
    // What was cut off says nothing of the server.
    expect(agent.log.map((line) => line['event.action'])).toEqual(['agent_started', 'agent_stopping', 'agent_stopped']);
  });
});

test('a maintenance window that is open at the start keeps its server out', async () => {
  const config = settings([first.address, second.address], { admin: { listen: `unix:${scene.socketPath}` } });
  const window = { servers: [first.ip], schedule: '* * * * *', duration: '2m', action: 'maintenance' };
  scene.writeConfig({ ...config, maintenance: [window] });
  const agent = scene.run();
  expect(await agent.event({ 'event.action': 'maintenance_on' })).toMatchObject({ 'lvs.server': first.address });
  await agent.event({ 'event.action': 'agent_ready' });
  await agent.event({ 'event.action': 'server_up', 'lvs.server': second.address });
  const { ending, stdout } = await until(
    () => scene.lvsd('status', '--json', '-c', scene.configPath),
    ({ stdout }) => JSON.parse(stdout).services[0].servers[1].weight.kernel === 1,
  );
  expect(ending).toBe(0);
  expect(JSON.parse(stdout).services[0].servers[0]).toMatchObject({
    state: 'maintenance',
    weight: { configured: 1, kernel: null },
  });
});

test('a window that a reload opens takes its server out, and one that it closes lets it back', async () => {
  const config = settings([first.address, second.address], { admin: { listen: `unix:${scene.socketPath}` } });
  const weightIs = (weight: number | null) =>
    until(
      () => scene.lvsd('status', '--json', '-c', scene.configPath),
      ({ stdout }) => JSON.parse(stdout).services[0].servers[0].weight.kernel === weight,
    );
  scene.writeConfig(config);
  const agent = scene.run();
  await agent.event({ 'event.action': 'agent_ready' });
  await weightIs(1);

  const window = { servers: [first.ip], schedule: '* * * * *', duration: '2m', action: 'maintenance' };
  scene.writeConfig({ ...config, maintenance: [window] });
  agent.signal('SIGHUP');
  await agent.event({ 'event.action': 'maintenance_on', 'lvs.server': first.address });
  expect((await weightIs(null)).ending).toBe(0);

  scene.writeConfig(config);
  agent.signal('SIGHUP');
  await agent.event({ 'event.action': 'maintenance_off', 'lvs.server': first.address });
  await weightIs(1);
});
