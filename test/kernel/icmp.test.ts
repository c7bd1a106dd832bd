import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { icmp } from '../../checks/icmp.ts';
import { preferNode } from '../../src/net/engine.ts';
import { runOf } from '../support/probing.ts';
import { createNetwork, type Host, type Network, runOn, sh } from './support/netns.ts';

/** What a check by ICMP is seen to say of one host. */
interface Meeting {
  readonly host: string;
  readonly address: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly before?: () => unknown;
  readonly after?: () => unknown;
  readonly says: string;
  /** Where the program `ping` says it otherwise. */
  readonly byPing?: string;
}

let network: Network;
let server: Host;

beforeAll(() => {
  network = createNetwork();
  // As systemd does: sockets of ICMP that need no capability are not to be preferred, for they tell less.
  sh('sysctl -qw net.ipv4.ping_group_range="0 2147483647"');
  server = network.addHost(10);
  sh(`ip -6 addr add fd00:9::1/64 dev lvsbr0 nodad
    ip -n ${server.name} -6 addr add fd00:9::10/64 dev eth0 nodad
    ip route add 198.51.100.0/24 via ${server.address}
    ip -6 route add fd00:51::/64 via fd00:9::10
    ip route add unreachable 203.0.113.0/24`);
  runOn(server, 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
  runOn(server, 'ip', 'route', 'add', 'prohibit', '198.51.100.0/24');
  runOn(server, 'ip', '-6', 'route', 'add', 'prohibit', 'fd00:51::/64');
});

afterAll(() => {
  sh('ip route del unreachable 203.0.113.0/24; sysctl -qw net.ipv4.ping_group_range="1 0"');
  network.close();
});

const meetings: readonly Meeting[] = [
  { host: 'one that answers', address: '172.16.100.10', says: 'L4OK' },
  { host: 'one that answers by IPv6', address: 'fd00:9::10', says: 'L4OK' },
  {
    host: 'one that answers on another path',
    address: '172.16.100.10',
    options: { source: '172.16.100.1', interface: 'lvsbr0', mark: 7 },
    says: 'L4OK',
  },
  {
    host: 'one that answers no echo request',
    address: '172.16.100.10',
    before: () => runOn(server, 'sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_all=1'),
    after: () => runOn(server, 'sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_all=0'),
    says: 'L4TOUT no reply in time',
  },
  {
    host: 'one that answers no echo request by IPv6',
    address: 'fd00:9::10',
    before: () => runOn(server, 'sysctl', '-qw', 'net.ipv6.icmp.echo_ignore_all=1'),
    after: () => runOn(server, 'sysctl', '-qw', 'net.ipv6.icmp.echo_ignore_all=0'),
    says: 'L4TOUT no reply in time',
  },
  { host: 'one that is not there', address: '172.16.100.99', says: 'L4CON destination host unreachable' },
  {
    host: 'one that is not there by IPv6',
    address: 'fd00:9::99',
    says: 'L4CON destination unreachable: address unreachable',
  },
  { host: 'one that a router prohibits', address: '198.51.100.9', says: 'L4CON packet filtered' },
  {
    host: 'one that a router prohibits by IPv6',
    address: 'fd00:51::9',
    says: 'L4CON destination unreachable: administratively prohibited',
  },
  {
    host: 'one that a route of our own rules out',
    address: '203.0.113.9',
    says: 'L4CON host is unreachable',
    byPing: 'L4CON no route to host',
  },
  { host: 'one without a route', address: '192.0.2.9', says: 'L4CON network is unreachable' },
  {
    host: 'one that our own firewall keeps us from',
    address: '172.16.100.10',
    before: () =>
      sh(`nft 'add table ip kept; add chain ip kept out { type filter hook output priority 0; }'
      nft add rule ip kept out icmp type echo-request drop`),
    after: () => sh('nft delete table ip kept'),
    says: 'EPERM',
    // It does not say that the kernel refused to send.
    byPing: 'L4TOUT no reply in time',
  },
  {
    host: 'one asked from an address that is not ours',
    address: '172.16.100.10',
    options: { source: '192.0.2.77' },
    says: 'EADDRNOTAVAIL',
  },
];

const everyEngine = [
  ...meetings.map((meeting) => ({ engine: 'libc', ...meeting })),
  ...meetings.map(({ byPing, says, ...meeting }) => ({ engine: 'node', says: byPing ?? says, ...meeting })),
];

test.each(everyEngine)('$engine meets $host: $says', async ({ engine, address, options, before, after, says }) => {
  preferNode(engine === 'node');
  before?.();
  try {
    expect(await wordsOf(address, options)).toBe(says);
  } finally {
    after?.();
    preferNode(false);
  }
});

/** Reason and details of a failure, the reason of a pass, or the code where nothing was learned. */
function wordsOf(address: string, options: Meeting['options']): Promise<string> {
  return runOf(icmp, { address, port: 0 }, options, AbortSignal.timeout(6000)).then(
    ({ pass, reason, detail }) => (pass ? reason : `${reason} ${detail.toLowerCase()}`),
    (error) => error.code,
  );
}
