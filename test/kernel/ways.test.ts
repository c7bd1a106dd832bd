import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Agent, startAgent, until } from './support/agent.ts';
import { listTable, serversOf } from './support/ipvsadm.ts';
import { fetchFrom, sh } from './support/netns.ts';
import { prepareDirector, prepareServer } from './support/preparation.ts';
import { settings } from './support/settings.ts';
import { openSite, type Site } from './support/site.ts';

/** For each way of forwarding an address of its own, and two servers that it reaches. */
const ways = {
  nat: { vip: '172.16.100.102', servers: ['172.16.100.10', '172.16.100.11'] },
  dr: { vip: '172.16.100.100', servers: ['172.16.100.10', '172.16.100.11'] },
  tun: { vip: '172.16.100.101', servers: ['10.0.1.10', '10.0.2.11'] },
} as const;
/** For each kind of check a port. */
const ports = { http: 80, tcp: 443, icmp: 8080 } as const;

const services = Object.entries(ways).flatMap(([forwarding, { vip, servers }]) =>
  Object.entries(ports).map(([type, port]) => ({
    name: `${type}-over-${forwarding}`,
    address: `${vip}:${port}`,
    forwarding,
    scheduler: 'rr',
    checks: [{ type }],
    servers,
  })),
);
const pinged = services.filter(({ checks }) => checks[0]?.type === 'icmp');

let site: Site;
let agent: Agent | undefined;

beforeAll(async () => {
  site = await openSite(['real1', 'real2', 'far1', 'far2'], Object.values(ports));
  await Promise.all([
    prepareDirector(settings(services)),
    ...site.servers.map(({ host }) =>
      host.name.startsWith('real')
        ? prepareServer(host, [ways.dr.vip], 'dr')
        : prepareServer(host, [ways.tun.vip], 'tun'),
    ),
  ]);
  for (const name of ['real1', 'real2'] as const) {
    const { host } = site.server(name);
    // Answers from its own address are those of NAT; answers from the virtual address take the way past the director.
    sh(`ip -n ${name} route add default via ${site.director.address} table 100
      ip -n ${name} rule add from ${host.address} lookup 100`);
  }
  agent = startAgent(settings(services));
  await agent.event({ 'event.action': 'agent_ready' });
});

afterAll(async () => {
  await agent?.stop('SIGKILL');
  await site.close();
});

test('over each way of forwarding, both servers of each kind of check serve', () => {
  for (const { address, servers } of services) expect(askTwice(address).sort()).toEqual([...servers].sort());
});

test('a server that is cut off leaves under each kind of check and each way, and returns', async () => {
  for (const name of ['real1', 'far1'] as const) site.setLink(site.server(name), 'down');
  await tableIs(services, [1]);
  for (const { address, servers } of services) expect(askTwice(address)).toEqual([servers[1], servers[1]]);
  for (const name of ['real1', 'far1'] as const) site.setLink(site.server(name), 'up');
  await tableIs(services, [0, 1]);
  for (const { address, servers } of services) expect(askTwice(address).sort()).toEqual([...servers].sort());
});

test('a server whose program ends leaves where its port is looked at, and returns', async () => {
  const looked = services.filter((service) => !pinged.includes(service));
  await Promise.all([site.server('real1').behave('refuse'), site.server('far1').behave('refuse')]);
  await tableIs(looked, [1]);
  await tableIs(pinged, [0, 1]);
  for (const { address, servers } of looked) expect(askTwice(address)).toEqual([servers[1], servers[1]]);
  await Promise.all([site.server('real1').behave('ok'), site.server('far1').behave('ok')]);
  await tableIs(services, [0, 1]);
});

/** Two answers that a service gives the client. */
function askTwice(address: string): string[] {
  return [1, 2].map(() => fetchFrom(site.client, `http://${address}/`));
}

/** Resolves when ipvsadm lists, for each of these services, these of its two servers. How soon is asked elsewhere. */
async function tableIs(those: typeof services, which: readonly number[]): Promise<void> {
  const wanted = those.map(({ address, servers }) => {
    const port = address.split(':')[1];
    return which.map((index) => `${servers[index]}:${port}`);
  });
  const look = () => {
    const table = listTable();
    return those.map(({ address }) => serversOf(`TCP ${address}`, table)?.map((row) => row.split(' ')[0]));
  };
  await until(look, (seen) => JSON.stringify(seen) === JSON.stringify(wanted));
}
