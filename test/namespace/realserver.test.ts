import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { realserverContract } from '../contract/realserver.ts';
import { createHostAndClient, dump, killAtEachStep, lvsdOn } from '../kernel/support/host.ts';
import { type Host, type Network, runOn, sh } from '../kernel/support/netns.ts';

const vip = '172.16.100.100';
const vip6 = '2001:db8:100::100';
const realserver = (host: Host, verb: string, ...args: readonly string[]) =>
  lvsdOn(host, ['realserver', verb, ...args]);

let network: Network;
let host: Host;
let client: Host;
let asFound: string;

beforeAll(async () => {
  ({ network, host, client } = await createHostAndClient());
  asFound = dump(host);
});

afterEach(() => {
  realserver(host, 'down');
});

afterAll(() => network.close());

realserverContract('dr', 9, () => ({ host, asFound }));

test('killed and started again, up goes on, and down still knows what was there first', () => {
  const args = ['realserver', 'up', '--vip', vip];
  killAtEachStep(host, args, () => {});
  expect(realserver(host, 'status', '--vip', vip).status).toBe(0);
  realserver(host, 'down');
  expect(dump(host)).toBe(asFound);
}, 600_000);

test('an address that was there before stays there', () => {
  runOn(host, 'ip', 'addr', 'add', `${vip}/32`, 'dev', 'lo');
  try {
    expect(realserver(host, 'up', '--vip', vip).stdout).not.toContain('address');
    realserver(host, 'down');
    expect(runOn(host, 'ip', 'addr', 'show', 'dev', 'lo')).toContain(`inet ${vip}/32`);
  } finally {
    runOn(host, 'ip', 'addr', 'del', `${vip}/32`, 'dev', 'lo');
  }
});

test('what is wanted no longer goes with the next up', () => {
  realserver(host, 'up', '--vip', vip, vip6);
  const { stdout } = realserver(host, 'up', '--vip', '172.16.100.101');
  expect(stdout).toBe(
    `set     address 172.16.100.101 dev lo\nundone  address ${vip6} dev lo\nundone  address ${vip} dev lo\n`,
  );
  realserver(host, 'down');
  expect(dump(host)).toBe(asFound);
});

test('a sysctl that somebody changed meanwhile is left as it is, and said so', () => {
  realserver(host, 'up', '--vip', vip);
  runOn(host, 'sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=2');
  try {
    expect(realserver(host, 'down')).toMatchObject({
      status: 0,
      stderr: 'Left net.ipv4.conf.all.arp_ignore alone: somebody has set it to 2 since it was set to 1\n',
    });
    expect(runOn(host, 'sysctl', '-n', 'net.ipv4.conf.all.arp_ignore')).toBe('2\n');
  } finally {
    runOn(host, 'sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=0');
  }
  expect(dump(host)).toBe(asFound);
});

test('an error half way puts back what was set, and names what and why', () => {
  runOn(host, 'sysctl', '-qw', 'net.ipv6.conf.lo.disable_ipv6=1');
  const before = dump(host);
  try {
    expect(realserver(host, 'up', '--vip', vip, vip6)).toEqual({
      status: 1,
      stdout: '',
      stderr: `Cannot add address ${vip6} dev lo: the system answered EACCES, IPv6 is switched off there\n`,
    });
    expect(dump(host)).toBe(before);
    expect(realserver(host, 'status').status).toBe(2);
  } finally {
    runOn(host, 'sysctl', '-qw', 'net.ipv6.conf.lo.disable_ipv6=0');
  }
});

test('a device that is no tunnel is refused before anything is set', () => {
  expect(realserver(host, 'up', '--vip', vip, '--method', 'tun', '--device', 'eth0')).toEqual({
    status: 1,
    stdout: '',
    stderr: 'eth0 is no tunnel of type ipip: its type is veth\n',
  });
  expect(dump(host)).toBe(asFound);
});

test('the VIP is not told to who asks for it on the link, until down', () => {
  const asks = () => arping(client, vip);
  runOn(host, 'ip', 'addr', 'add', `${vip}/32`, 'dev', 'lo');
  try {
    expect(asks()).toBe('answered');
    realserver(host, 'up', '--vip', vip);
    expect(asks()).toBe('silence');
    realserver(host, 'down');
    expect(asks()).toBe('answered');
  } finally {
    runOn(host, 'ip', 'addr', 'del', `${vip}/32`, 'dev', 'lo');
  }
});

test('an IPv6 VIP is not told to who asks for it on the link', () => {
  realserver(host, 'up', '--vip', vip6);
  expect(() => runOn(client, 'ping', '-6', '-c', '1', '-W', '2', vip6)).toThrow();
  expect(runOn(client, 'ip', '-6', 'neigh', 'show', vip6)).not.toContain('lladdr');
});

test('the VIPs of a configuration are those of the services that have this host as a server', () => {
  const config = `/tmp/realserver-${process.pid}.yaml`;
  const service = (name: string, address: string, server: string, forwarding: string) =>
    `  - { name: ${name}, address: "${address}", forwarding: ${forwarding}, servers: [${server}] }\n`;
  const file = [
    'version: 1\nservices:\n',
    service('ours', `${vip}:80`, host.address, 'dr'),
    service('by-nat', '172.16.100.101:80', host.address, 'nat'),
    service('of-another', '172.16.100.102:80', '172.16.100.11', 'dr'),
  ].join('');
  sh(`cat > ${config} <<'EOF'\n${file}EOF`);
  const { stdout } = realserver(host, 'up', '-c', config);
  expect(stdout.match(/address .*/g)).toEqual([`address ${vip} dev lo`]);
  expect(realserver(client, 'up', '-c', config)).toMatchObject({
    status: 78,
    stderr: expect.stringContaining('no service has this host as a dr or tun server; this host has 172.16.100.200'),
  });
});

function arping(from: Host, address: string): 'answered' | 'silence' {
  try {
    runOn(from, 'arping', '-q', '-c', '1', '-w', '2', '-I', 'eth0', address);
    return 'answered';
  } catch {
    return 'silence';
  }
}
