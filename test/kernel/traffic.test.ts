import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ServiceIdentity } from '../../src/core/table.ts';
import { createIpvsKernel } from '../../src/kernel/ipvs.ts';
import { addServer, addService, delServer, editServer, server, service } from '../contract/kernel.ts';
import { until } from './support/agent.ts';
import { ipvsadm, serversOf, startSampler } from './support/ipvsadm.ts';
import { acceptDirectly, announce, createNetwork, fetchFrom, type Host, type Network } from './support/netns.ts';
import { type RealServer, startRealServer } from './support/realserver.ts';

const vip = '172.16.100.100';
const identity: ServiceIdentity = { kind: 'address', protocol: 'tcp', address: vip, port: 80 };
const web = service({ identity, scheduler: 'rr' });
const first = server({ address: '172.16.100.10', forwarding: 'dr' });
const second = server({ address: '172.16.100.11', forwarding: 'dr' });
const kernel = createIpvsKernel();
let network: Network;
let client: Host;
let realServers: readonly RealServer[] = [];

beforeAll(async () => {
  ipvsadm('-C');
  network = createNetwork();
  announce(vip);
  client = network.addHost(200);
  const hosts = [network.addHost(10), network.addHost(11)];
  for (const host of hosts) acceptDirectly(host, vip);
  realServers = await Promise.all(hosts.map((host) => startRealServer(host)));
});

afterAll(async () => {
  await Promise.all(realServers.map((realServer) => realServer.stop()));
  await kernel.close();
  network.close();
});

test('connections reach the servers of the table, and are counted', async () => {
  await kernel.apply([addService(web), addServer(web, first), addServer(web, second)]);
  expect(serversOf(`TCP ${vip}:80`)).toEqual(['172.16.100.10:80 Route 1', '172.16.100.11:80 Route 1']);
  const answers = [fetchFrom(client, `http://${vip}/`), fetchFrom(client, `http://${vip}/`)];
  expect(answers.sort()).toEqual(['172.16.100.10', '172.16.100.11']);
  // The kernel adds its counters up every two seconds, and may do so amid the second transfer.
  const traffic = await until(
    async () => (await kernel.read()).get(`TCP ${vip}:80`)?.traffic,
    (counted) => counted?.connections === 2 && counted.incomingPackets >= 8,
  );
  expect(traffic).toMatchObject({ outgoingPackets: 0, outgoingBytes: 0 });
  expect(traffic?.incomingBytes).toBeGreaterThan(8 * 40);
});

test('a server of weight 0, and one that is deleted, get no new connection', async () => {
  await kernel.apply([editServer(web, { ...first, weight: 0 }, first)]);
  expect([1, 2, 3].map(() => fetchFrom(client, `http://${vip}/`))).toEqual(Array(3).fill('172.16.100.11'));
  await kernel.apply([editServer(web, first, { ...first, weight: 0 }), delServer(web, second)]);
  expect([1, 2, 3].map(() => fetchFrom(client, `http://${vip}/`))).toEqual(Array(3).fill('172.16.100.10'));
});

test('a real server behaves as it is told', async () => {
  const [one] = realServers;
  await one?.behave('error');
  expect(() => fetchFrom(client, 'http://172.16.100.10/')).toThrow('500');
  await one?.behave('refuse');
  expect(() => fetchFrom(client, 'http://172.16.100.10/')).toThrow('connect');
  await one?.behave('silence');
  expect(() => fetchFrom(client, 'http://172.16.100.10/', 5)).toThrow('timed out');
  await one?.behave('ok');
  expect(fetchFrom(client, 'http://172.16.100.10/')).toBe('172.16.100.10');
});

test('the sampler sees a service lose its last server and get one back', async () => {
  const sampler = await startSampler(`${vip}:80`);
  const lastState = () => sampler.states.at(-1);
  await kernel.apply([delServer(web, first)]);
  await until(lastState, (state) => state === '');
  await kernel.apply([addServer(web, second)]);
  await until(lastState, (state) => state === '172.16.100.11:80 1');
  const { samples, empty } = await sampler.stop();
  expect(sampler.states).toEqual(['172.16.100.10:80 1', '', '172.16.100.11:80 1']);
  expect(empty).toBeGreaterThan(0);
  expect(empty).toBeLessThan(samples);
});
