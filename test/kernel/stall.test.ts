import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Agent, scrape, transitionsIn, until } from './support/agent.ts';
import { savedRows } from './support/ipvsadm.ts';
import { sh } from './support/netns.ts';
import { openScene, type Scene } from './support/scene.ts';
import { settings, webService } from './support/settings.ts';

let scene: Scene;
let agent: Agent;

beforeAll(async () => {
  scene = await openScene();
  // One failure would show. Slow answers, so that runs are under way when the agent is stopped, for longer than they may take.
  const checks = ['http', 'tcp', 'icmp'].map((type) => ({ type, fall: 1, timeout: '4s' }));
  await Promise.all([scene.first.behave('slow'), scene.second.behave('slow')]);
  agent = await scene.startReady(settings([webService({ checks })]));
});

afterAll(() => scene.close());

test.each([5, 20])('stopped for %i s and continued, the agent changes nothing', async (seconds) => {
  const rows = savedRows();
  const from = agent.log.length;
  agent.signal('SIGSTOP');
  await sleep(seconds * 1000);
  expect(savedRows()).toEqual(rows);
  agent.signal('SIGCONT');
  await everyCheckRuns(3);
  expect(transitionsIn(agent, from)).toEqual([]);
  expect(savedRows()).toEqual(rows);
});

test('the wall clock a day ahead, and back again, changes nothing', async () => {
  const rows = savedRows();
  const from = agent.log.length;
  for (const jump of [86_400, -86_400]) {
    sh(`date -s @$(($(date +%s) + ${jump}))`);
    await everyCheckRuns(3);
  }
  expect(transitionsIn(agent, from)).toEqual([]);
  expect(savedRows()).toEqual(rows);
});

/** Resolves when each check has had so many runs more: the first may have begun before. */
async function everyCheckRuns(count: number): Promise<void> {
  const before = await runs();
  expect(before.size).toBe(6);
  await until(runs, (now) => [...before].every(([check, seen]) => (now.get(check) ?? 0) >= seen + count));
}

/** Runs of each check so far, of any result. */
async function runs(): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const [name, value] of await scrape()) {
    if (!name.startsWith('lvsd_check_runs_total')) continue;
    const check = name.replace(/result="\w+",/, '');
    counts.set(check, (counts.get(check) ?? 0) + value);
  }
  return counts;
}
