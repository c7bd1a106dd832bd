import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { realserverContract } from '../contract/realserver.ts';
import { createHostAndClient, dump, lvsdOn } from './support/host.ts';
import { ipvsadm } from './support/ipvsadm.ts';
import { fetchFrom, type Host, type Network, runOn, sh } from './support/netns.ts';
import { type RealServer, startRealServer } from './support/realserver.ts';

const vip = '172.16.100.100';
const realserver = (host: Host, verb: string, ...args: readonly string[]) =>
  lvsdOn(host, ['realserver', verb, ...args]);

let network: Network;
let host: Host;
let client: Host;
let asFound: string;

beforeAll(async () => {
  // Modules bring links of their own, which stay.
  sh('modprobe ipip; modprobe ip6_tunnel');
  ({ network, host, client } = await createHostAndClient());
  // The first time that they are up, the kernel gives them a part for IPv6, which stays too.
  for (const device of ['tunl0', 'ip6tnl0']) {
    runOn(host, 'ip', 'link', 'set', device, 'up');
    runOn(host, 'ip', 'link', 'set', device, 'down');
  }
  asFound = dump(host);
});

afterEach(() => {
  realserver(host, 'down');
});

afterAll(() => network.close());

realserverContract('tun', 13, () => ({ host, asFound }));

describe('with a director before it', () => {
  let web: RealServer;
  beforeAll(async () => {
    web = await startRealServer(host);
    sh(`ip addr add ${vip}/32 dev lvsbr0`);
  });
  afterEach(() => {
    ipvsadm('-C');
  });
  afterAll(async () => {
    await web.stop();
    sh(`ip addr del ${vip}/32 dev lvsbr0`);
  });

  test.each([
    ['dr', '-g'],
    ['tun', '-i'],
  ])('it serves clients by %s, though every link has a strict rp_filter', (method, flag) => {
    ipvsadm(`-A -t ${vip}:80 -s rr`);
    ipvsadm(`-a -t ${vip}:80 -r ${host.address}:80 ${flag}`);
    runOn(host, 'sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=1');
    try {
      expect(() => fetchFrom(client, `http://${vip}/`, 5)).toThrow();
      realserver(host, 'up', '--vip', vip, '--method', method);
      expect(fetchFrom(client, `http://${vip}/`)).toBe(host.address);
    } finally {
      runOn(host, 'sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=0');
    }
  });
});
