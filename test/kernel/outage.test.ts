import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from './support/agent.ts';
import { type Sampler, serversOf, startSampler } from './support/ipvsadm.ts';
import { openScene, type Scene, secondServer, vip, web } from './support/scene.ts';
import { leavesWithinMs, returnsWithinMs, settings, timing, webService } from './support/settings.ts';

const mail = webService({ name: 'mail', address: `${vip}:25`, forwarding: 'nat', checks: [{ type: 'icmp' }] });

let scene: Scene;

beforeAll(async () => {
  scene = await openScene();
});

afterAll(() => scene.close());

test('with every link down no service is emptied, and with the links back only healthy servers stay', async () => {
  const agent = await scene.startReady(settings([webService(), mail]));
  const samplers = await Promise.all([`${vip}:80`, `${vip}:25`].map(startSampler));
  setLinks('down');
  for (const service of ['web', 'mail']) {
    await agent.event(
      { 'event.action': 'fail_open_on', 'lvs.service': service },
      { timeoutMs: leavesWithinMs(timing) },
    );
  }
  await until(
    () => samplers.map(lastState),
    (states) => states.join(' | ') === `${both} | ${both}`,
  );

  // Nobody can see yet that this one does not come back.
  await scene.first.behave('refuse');
  setLinks('up');
  for (const service of ['web', 'mail']) {
    await agent.event(
      { 'event.action': 'fail_open_off', 'lvs.service': service },
      { timeoutMs: returnsWithinMs(timing) },
    );
  }
  await until(
    () => serversOf(web),
    (rows) => rows?.join() === `${secondServer} Route 1`,
  );
  // Its own check is content with an answer to a ping.
  await until(
    () => serversOf(`TCP ${vip}:25`),
    (rows) => rows?.length === 2,
    returnsWithinMs(timing),
  );
  for (const sampler of samplers) expect(await sampler.stop()).toMatchObject({ empty: 0 });
});

const both = '172.16.100.10:80 2, 172.16.100.11:80 1';

function setLinks(state: 'up' | 'down'): void {
  for (const { host } of [scene.first, scene.second]) scene.network.setLink(host, state);
}

function lastState({ states }: Sampler): string | undefined {
  return states.at(-1);
}
