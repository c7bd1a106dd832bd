import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type Agent, until } from './support/agent.ts';
import { ipvsadm, savedRows, serversOf, startSampler } from './support/ipvsadm.ts';
import { runOn } from './support/netns.ts';
import { openScene, type Scene, stateDir, vip, web } from './support/scene.ts';
import { leavesWithinMs, reconcileIntervalMs, settings, slackMs, timing, webService } from './support/settings.ts';

const both = ['172.16.100.10:80 Route 2', '172.16.100.11:80 Route 1'];
const other = webService({
  name: 'other',
  address: `${vip}:8080`,
  servers: ['172.16.100.11'],
  checks: [{ type: 'tcp', port: 80 }],
});
const otherListed = `TCP ${vip}:8080`;
/** What one interval of the reconciler takes: by then the agent would have repaired what it minds. */
const reconciledMs = reconcileIntervalMs + slackMs;

let scene: Scene;

beforeAll(async () => {
  scene = await openScene();
});

afterEach(() => scene.reset());

afterAll(() => scene.close());

test('killed and started again, the dead server never appears and the healthy one never leaves', async () => {
  const agent = await scene.startReady(settings([webService()]));
  await scene.first.behave('refuse');
  const isAlone = (rows: readonly string[] | undefined) => rows?.join() === both[1];
  await until(() => serversOf(web), isAlone, leavesWithinMs(timing));
  const before = savedRows();
  expect(await agent.stop('SIGKILL')).toBe('SIGKILL');
  expect(savedRows()).toEqual(before);

  const sampler = await startSampler(`${vip}:80`);
  const next = await scene.startReady(settings([webService()]));
  await next.event({ 'event.action': 'server_down', 'lvs.server': '172.16.100.10:80' });
  expect(await sampler.stop()).toMatchObject({ empty: 0 });
  expect(sampler.states).toEqual(['172.16.100.11:80 1']);
});

test('a server that died while the agent was away is given its tries, and leaves; the other never does', async () => {
  const agent = await scene.startReady(settings([webService()]));
  await agent.stop('SIGKILL');
  await scene.first.behave('refuse');
  const sampler = await startSampler(`${vip}:80`);
  const next = scene.start(settings([webService()]));
  await next.event({ 'event.action': 'server_down', 'lvs.server': '172.16.100.10:80', 'lvs.state.from': 'up' });
  await until(
    () => sampler.states.at(-1),
    (state) => state === '172.16.100.11:80 1',
  );
  expect(await sampler.stop()).toMatchObject({ empty: 0 });
  expect(sampler.states).toEqual(['172.16.100.10:80 2, 172.16.100.11:80 1', '172.16.100.11:80 1']);
});

test('asked to stop, it ends with 0 within 5 s and leaves the table as it is', async () => {
  const { agent, loadMs } = await startTimed(settings([webService()]));
  await agent.event({ 'event.action': 'agent_ready' });
  // A check that waits for an answer does not hold up the end.
  await scene.first.behave('silence');
  const before = savedRows();
  expect(before).toHaveLength(3);
  const startedMs = performance.now();
  expect(await agent.stop('SIGTERM')).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(5000 + loadMs);
  expect(savedRows()).toEqual(before);
  expect(agent.log.slice(-2).map((line) => line['event.action'])).toEqual(['agent_stopping', 'agent_stopped']);
});

test('with on_stop remove, it takes its own services with it and no other', async () => {
  ipvsadm('-A -t 192.0.2.50:80 -s rr');
  ipvsadm('-A -f 77 -s wlc');
  const foreign = savedRows();
  const agent = await scene.startReady(settings([webService(), other], { on_stop: 'remove' }));
  expect(serversOf(web)).toEqual(both);
  expect(serversOf(otherListed)).toEqual(['172.16.100.11:8080 Route 1']);
  expect(await agent.stop('SIGTERM')).toBe(0);
  expect(savedRows()).toEqual(foreign);
});

test('a second agent in the same network namespace ends within 3 s of its start and touches nothing', async () => {
  const { agent, loadMs } = await startTimed(settings([webService()]));
  await agent.event({ 'event.action': 'agent_ready' });
  const before = savedRows();
  const from = agent.log.length;
  const startedMs = performance.now();
  const second = scene.start(settings([other], { metrics: 'off', admin: 'off' }));
  expect(await second.exited).toBeGreaterThan(0);
  // Twice: the first agent works beside the second.
  expect(performance.now() - startedMs).toBeLessThan(3000 + 2 * loadMs);
  expect(second.stderr()).toContain('another lvsd');
  expect(savedRows()).toEqual(before);
  expect(agent.log.slice(from)).toEqual([]);
});

test('agents in two network namespaces each keep their own table', async () => {
  await scene.startReady(settings([webService()]));
  const elsewhere = scene.start(
    settings([other], { admin: { listen: 'unix:/run/lvsd/elsewhere.sock' }, state_dir: join(stateDir, 'elsewhere') }),
    { host: scene.second.host },
  );
  await elsewhere.event({ 'event.action': 'agent_ready' });
  expect(serversOf(web)).toEqual(both);
  expect(serversOf(otherListed)).toBeUndefined();
  expect(runOn(scene.second.host, 'ipvsadm', '-S', '-n').split('\n')).toEqual([
    `-A -t ${vip}:8080 -s wrr`,
    `-a -t ${vip}:8080 -r 172.16.100.11:8080 -g -w 1`,
    '',
  ]);
});

test('a service that left the file while the agent was down is removed at the next start', async () => {
  ipvsadm('-A -t 192.0.2.50:80 -s rr');
  const agent = await scene.startReady(settings([webService(), other]));
  expect(serversOf(otherListed)).toHaveLength(1);
  await agent.stop('SIGKILL');
  await scene.startReady(settings([webService()]));
  await until(
    () => serversOf(otherListed),
    (rows) => rows === undefined,
    reconciledMs,
  );
  expect(serversOf(web)).toEqual(both);
  expect(serversOf('TCP 192.0.2.50:80')).toEqual([]);
});

test('of a state file that is corrupt nothing is believed: such a service stays', async () => {
  const agent = await scene.startReady(settings([webService(), other]));
  const before = savedRows();
  await agent.stop('SIGKILL');
  const file = join(stateDir, 'state.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('8080', '8081'));
  const next = await scene.startReady(settings([webService()]));
  await next.event({ 'event.action': 'agent_warning', 'error.code': 'STATE' });
  expect(savedRows()).toEqual(before);
});

/** What this machine takes to load the program is added to the limits of what the program takes. */
async function startTimed(yaml: string): Promise<{ readonly agent: Agent; readonly loadMs: number }> {
  const startedMs = performance.now();
  const agent = scene.start(yaml);
  await agent.event({ 'event.action': 'agent_started' });
  return { agent, loadMs: performance.now() - startedMs };
}
