import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type Agent, scrape, until } from './support/agent.ts';
import { listTable, serversOf } from './support/ipvsadm.ts';
import { runOn, sh } from './support/netns.ts';
import { firstServer, openScene, type Scene, secondServer } from './support/scene.ts';
import { leavesWithinMs, returnsWithinMs, settings, timing } from './support/settings.ts';

/** A service for each kind of check, and for each way of forwarding. */
const services = {
  http: { listed: 'TCP 172.16.100.101:80', forwarding: 'nat', word: 'Masq' },
  tcp: { listed: 'TCP 172.16.100.102:80', forwarding: 'dr', word: 'Route' },
  icmp: { listed: 'TCP 172.16.100.103:80', forwarding: 'tun', word: 'Tunnel' },
} as const;
const types = ['http', 'tcp', 'icmp'] as const;

let scene: Scene;
let agent: Agent;
/** What a test that fails has left to do. */
let heal: (() => unknown) | undefined;

beforeAll(async () => {
  scene = await openScene();
  agent = await scene.startReady(
    settings(
      types.map((type) => ({
        name: type,
        address: services[type].listed.slice('TCP '.length),
        forwarding: services[type].forwarding,
        checks: [{ type, name: type }],
        servers: [firstServer, secondServer],
      })),
    ),
  );
});

afterEach(async () => {
  await heal?.();
});

afterAll(() => scene.close());

test.each<{
  does: string;
  harm: () => unknown;
  heal: () => unknown;
  reasons: Partial<Record<(typeof types)[number], string>>;
}>([
  {
    does: 'answers 500',
    harm: () => scene.first.behave('error'),
    heal: () => scene.first.behave('ok'),
    reasons: { http: 'L7STS' },
  },
  {
    does: 'accepts and is silent',
    harm: () => scene.first.behave('silence'),
    heal: () => scene.first.behave('ok'),
    reasons: { http: 'L7TOUT' },
  },
  {
    does: 'refuses connections',
    harm: () => scene.first.behave('refuse'),
    heal: () => scene.first.behave('ok'),
    reasons: { http: 'L4CON', tcp: 'L4CON' },
  },
  {
    does: 'answers no ping',
    harm: () => ignorePings(1),
    heal: () => ignorePings(0),
    reasons: { icmp: 'L4TOUT' },
  },
  {
    does: 'gets no packet',
    // A link address that nobody has.
    harm: () => sh('ip neigh replace 172.16.100.10 lladdr 02:00:00:00:00:01 dev lvsbr0 nud permanent'),
    heal: () => sh('ip neigh del 172.16.100.10 dev lvsbr0'),
    reasons: { http: 'L4TOUT', tcp: 'L4TOUT', icmp: 'L4TOUT' },
  },
])('a server that $does leaves where its check sees that, each with its reason, and returns', async (one) => {
  const from = agent.log.length;
  const failuresBefore = await scrape();
  heal = one.heal;
  await one.harm();
  await until(tables, isLike(tablesWithout(Object.keys(one.reasons))), leavesWithinMs(timing));
  for (const [type, reason] of Object.entries(one.reasons)) {
    const down = { 'event.action': 'server_down', 'lvs.service': type, 'lvs.server': firstServer };
    expect(await agent.event(down, { from })).toMatchObject({ 'lvs.reason': reason });
  }
  for (const [type, reason] of Object.entries(one.reasons)) {
    const series = `lvsd_check_failures_total{check="${type}",reason="${reason}",server="${firstServer}",service="${type}",type="${type}"}`;
    const failures = async () => ((await scrape()).get(series) ?? 0) - (failuresBefore.get(series) ?? 0);
    // The first failure may be another: a connection that was cut when the trouble began.
    await until(failures, (count) => count >= timing.fall - 1);
  }
  await one.heal();
  heal = undefined;
  await until(tables, isLike(tablesWithout([])), returnsWithinMs(timing));
});

function ignorePings(flag: 0 | 1): void {
  runOn(scene.first.host, 'sysctl', '-qw', `net.ipv4.icmp_echo_ignore_all=${flag}`);
}

/** The servers of each service, as ipvsadm lists them. */
function tables(): Readonly<Record<string, readonly string[] | undefined>> {
  const table = listTable();
  return Object.fromEntries(types.map((type) => [type, serversOf(services[type].listed, table)]));
}

function tablesWithout(types: readonly string[]): ReturnType<typeof tables> {
  const rows = (type: string, word: string) => [
    ...(types.includes(type) ? [] : [`${firstServer} ${word} 1`]),
    `${secondServer} ${word} 1`,
  ];
  return Object.fromEntries(Object.entries(services).map(([type, { word }]) => [type, rows(type, word)]));
}

function isLike<T>(wanted: T): (seen: T) => boolean {
  const text = JSON.stringify(wanted);
  return (seen) => JSON.stringify(seen) === text;
}
