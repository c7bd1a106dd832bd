import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type Agent, scrape, transitionsIn, until } from './support/agent.ts';
import { serversOf } from './support/ipvsadm.ts';
import { type RealServer, startRealServer } from './support/realserver.ts';
import { openScene, type Scene, vip } from './support/scene.ts';
import { settings } from './support/settings.ts';

const port = 8080;
const web = `TCP ${vip}:${port}`;
const watched = `172.16.100.10:${port}`;
const unwatched = `172.16.100.11:${port}`;

/** A check's slot may be anywhere in its interval, which is so long that none has a second turn during a test. */
const check = { type: 'http', interval: '500h', retry_interval: '200ms', fall: 2, rise: 2 };

const service = {
  name: 'web',
  address: `${vip}:${port}`,
  servers: [
    { address: watched, checks: [{ ...check, watch: true }] },
    { address: unwatched, checks: [check] },
  ],
};

let scene: Scene;
let agent: Agent;
let first: RealServer;
let second: RealServer;

beforeAll(async () => {
  scene = await openScene();
});

beforeEach(async () => {
  [first, second] = await Promise.all([
    startRealServer(scene.first.host, [port]),
    startRealServer(scene.second.host, [port]),
  ]);
  agent = await scene.startReady(settings([service]));
  await until(connections, (count) => count === 1);
});

afterEach(async () => {
  await Promise.all([first.stop(), second.stop()]);
  await scene.reset();
});

afterAll(() => scene.close());

test.each<[what: string, end: (server: RealServer) => Promise<void>]>([
  ['process is killed', (server) => server.stop()],
  ['service is stopped', (server) => server.behave('refuse')],
])('a watched server whose %s leaves at once, one that is not watched stays until its turn', async (_what, end) => {
  await end(second);
  await end(first);
  await agent.event({ 'event.action': 'server_down', 'lvs.server': watched });
  await until(
    () => serversOf(web),
    (rows) => rows?.join() === `${unwatched} Route 1`,
  );
  const counts = await until(scrape, (samples) => runsOf(samples, watched, 'fail') === 2);
  expect([runsOf(counts, watched, 'pass'), runsOf(counts, unwatched, 'pass')]).toEqual([1, 1]);
  expect(runsOf(counts, unwatched, 'fail')).toBe(0);
  await until(connections, (count) => count === 0);
});

test('a watched server that was restarted while the agent was stopped stays', async () => {
  const from = agent.log.length;
  agent.signal('SIGSTOP');
  await first.stop();
  first = await startRealServer(scene.first.host, [port]);
  await sleep(3000);
  agent.signal('SIGCONT');
  await until(scrape, (samples) => runsOf(samples, watched, 'pass') === 2);
  expect(transitionsIn(agent, from)).toEqual([]);
  expect(serversOf(web)).toHaveLength(2);
});

test('the connection to a server is gone when the agent has stopped', async () => {
  expect(await agent.stop()).toBe(0);
  expect(connections()).toBe(0);
});

function runsOf(samples: ReadonlyMap<string, number>, server: string, result: string): number | undefined {
  return samples.get(
    `lvsd_check_runs_total{check="http",result="${result}",server="${server}",service="web",type="http"}`,
  );
}

/** Connections of the director to port 8080 of the first server that are established or on their way out. */
function connections(): number {
  return readFileSync('/proc/net/tcp', 'utf8').match(/ 0A6410AC:1F90 /g)?.length ?? 0;
}
