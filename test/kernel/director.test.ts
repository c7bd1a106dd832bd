import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeConfigFile } from './support/agent.ts';
import { lvsdOn } from './support/host.ts';
import { ipvsadm } from './support/ipvsadm.ts';
import { createNetwork, fetchFrom, type Host, type Network } from './support/netns.ts';
import { type RealServer, startRealServer } from './support/realserver.ts';

const vip = '172.16.100.100';
const mark = 8;
const marked = {
  name: 'marked',
  fwmark: mark,
  interface: 'lvsbr0',
  forwarding: 'dr',
  checks: [{ type: 'icmp' }],
  servers: ['172.16.100.11'],
  marks: [
    { addresses: [vip], ports: [80, 443] },
    { addresses: ['198.51.100.0/24'], protocols: ['udp'], ports: ['8000-8100'] },
  ],
};

let network: Network;
let client: Host;
let server: Host;
let web: RealServer;

beforeAll(async () => {
  network = createNetwork();
  client = network.addHost(200);
  server = network.addHost(11);
  web = await startRealServer(server);
});

afterAll(async () => {
  ipvsadm('-C');
  lvsdOn(network.director, ['director', 'down', '--state-dir', '/var/lib/lvsd']);
  await web.stop();
  network.close();
});

test('a service by mark serves its ports once the director and its server are up, and no others', () => {
  ipvsadm(`-A -f ${mark} -s rr`);
  ipvsadm(`-a -f ${mark} -r 172.16.100.11 -g`);
  const config = writeConfigFile(JSON.stringify({ version: 1, services: [marked] }));
  expect(() => fetchFrom(client, `http://${vip}/`, 5)).toThrow();
  expect(lvsdOn(network.director, ['director', 'up', '-c', config])).toMatchObject({ status: 0, stderr: '' });
  expect(() => fetchFrom(client, `http://${vip}/`, 5)).toThrow();
  expect(lvsdOn(server, ['realserver', 'up', '-c', config])).toMatchObject({ status: 0, stderr: '' });
  expect(fetchFrom(client, `http://${vip}/`)).toBe('172.16.100.11');
  expect(() => fetchFrom(client, `http://${vip}:8080/`, 5)).toThrow();
});
