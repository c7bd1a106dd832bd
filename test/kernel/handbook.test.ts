import { existsSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { until } from './support/agent.ts';
import { configFile, expectInHandbook, show } from './support/handbook.ts';
import { serversOf, startSampler } from './support/ipvsadm.ts';
import { fetchFrom } from './support/netns.ts';
import { type RealServer, startRealServer } from './support/realserver.ts';
import { openScene, type Scene, vip, web } from './support/scene.ts';
import { leavesWithinMs, returnsWithinMs } from './support/settings.ts';

const yaml = readFileSync(configFile('monitor.yaml'), 'utf8');
const timing = { intervalMs: 5000, timeoutMs: 1000, retryIntervalMs: 1000, fall: 3, rise: 1 };
// A server that refuses costs a run no time.
const leavesMs = leavesWithinMs({ ...timing, timeoutMs: 0 });
const returnsMs = returnsWithinMs({ ...timing, timeoutMs: 0 });

const transitionFile = '/var/log/ipvsmonitor.log';
const first = '172.16.100.10:80 2';
const second = '172.16.100.11:80 1';
const fallback = '127.0.0.1:80 1';

let scene: Scene;
let director: RealServer;

beforeAll(async () => {
  scene = await openScene();
  director = await startRealServer(scene.network.director);
});

afterEach(async () => {
  await scene.reset();
  rmSync(transitionFile, { force: true });
});

afterAll(async () => {
  await director.stop();
  await scene.close();
});

test('both servers get their share of the connections, two to one', async () => {
  await scene.startReady(yaml);
  expect(serversOf(web)).toEqual(['172.16.100.10:80 Route 2', '172.16.100.11:80 Route 1']);
  const answers = Array.from({ length: 9 }, fetchFromService);
  expect(answers.filter((answer) => answer === '172.16.100.10')).toHaveLength(6);
  expect(answers.filter((answer) => answer === '172.16.100.11')).toHaveLength(3);
  expect(transitions()).toBe('');
});

test('a server that dies is gone in time, and the script’s file says so', async () => {
  await scene.startReady(yaml);
  const sampler = await startSampler(`${vip}:80`);
  await scene.first.behave('refuse');
  await until(
    () => sampler.states.at(-1),
    (state) => state === second,
    leavesMs,
  );
  await until(transitions, (text) => text !== '');
  expect(transitions()).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d, 172\.16\.100\.10 is gone\.\n$/);
  expect([1, 2, 3].map(fetchFromService)).toEqual(Array(3).fill('172.16.100.11'));
  expect(sampler.states).toEqual([`${first}, ${second}`, second]);
  expect(await sampler.stop()).toMatchObject({ empty: 0 });
});

test('the fallback stands in while both are dead, and at no instant is the service without a server', async () => {
  await scene.startReady(yaml);
  const sampler = await startSampler(`${vip}:80`);
  const lastState = () => sampler.states.at(-1);
  await Promise.all([scene.first.behave('refuse'), scene.second.behave('refuse')]);
  await until(lastState, (state) => state === fallback, leavesMs);
  expectInHandbook('monitor-fallback', show(director.host, 'ipvsadm -L -n'));
  expect(fetchFromService()).toBe(director.host.address);

  await scene.second.behave('ok');
  await until(lastState, (state) => state === second, returnsMs);
  expect(fetchFromService()).toBe('172.16.100.11');

  await scene.first.behave('ok');
  await until(lastState, (state) => state === `${first}, ${second}`, returnsMs);
  const { samples, empty } = await sampler.stop();
  expect(empty).toBe(0);
  expect(samples).toBeGreaterThan(100);
  await until(transitions, (text) => text.split('\n').length > 4);
  expect(
    transitions()
      .replace(/^[-:\d ]{19}, /gm, '')
      .split('\n')
      .slice(0, 2)
      .sort(),
  ).toEqual(['172.16.100.10 is gone.', '172.16.100.11 is gone.']);
  expect(transitions()).toMatch(
    /gone\.\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d, 172\.16\.100\.11 is back\.\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d, 172\.16\.100\.10 is back\.\n$/,
  );
  expectInHandbook('monitor-log', atNoon(show(director.host, `grep -w 172.16.100.10 ${transitionFile}`)));
});

function fetchFromService(): string {
  return fetchFrom(scene.client, `http://${vip}/`);
}

function transitions(): string {
  return existsSync(transitionFile) ? readFileSync(transitionFile, 'utf8') : '';
}

/** A text with times, which the handbook shows as twenty seconds from noon of a day. */
function atNoon(text: string): string {
  let second = -20;
  return text.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/gm, () => {
    second += 20;
    return `2026-11-22 12:00:${`${second}`.padStart(2, '0')}`;
  });
}
