import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { until, writeConfigFile } from '../kernel/support/agent.ts';
import { createHostAndClient, dump, killAtEachStep, lvsdOn } from '../kernel/support/host.ts';
import { type Host, type Network, runOn, sh } from '../kernel/support/netns.ts';

const vip = '172.16.100.100';
const vip6 = '2001:db8:100::100';
const mark = 8;

const marked = {
  name: 'marked',
  fwmark: mark,
  forwarding: 'dr',
  checks: [{ type: 'icmp' }],
  servers: ['172.16.100.11'],
  marks: [
    { addresses: [vip], ports: [80, 443] },
    { addresses: ['198.51.100.0/24'], protocols: ['udp'], ports: ['8000-8100'] },
  ],
};
const everything = [
  { name: 'web', address: '172.16.100.101:80', servers: ['172.16.100.11'] },
  { name: 'web6', address: `[${vip6}]:80`, servers: ['2001:db8:100::11'] },
  marked,
];

let network: Network;
let host: Host;
let client: Host;
let asFound: string;

const director = (verb: string, config: string, ...args: readonly string[]) =>
  lvsdOn(host, ['director', verb, '-c', config, ...args]);
const write = (services: readonly object[]) =>
  writeConfigFile(JSON.stringify({ version: 1, director: { interface: 'eth0' }, services }));

beforeAll(async () => {
  ({ network, host, client } = await createHostAndClient());
  // What is there before: of one family on, of another link, of another table.
  runOn(host, 'sysctl', '-qw', 'net.ipv4.conf.lo.forwarding=1', 'net.ipv6.conf.lo.forwarding=1');
  runOn(host, 'nft', 'add table inet other; add chain inet other in { type filter hook input priority 0; }');
  asFound = dump(host);
});

afterEach(() => {
  lvsdOn(host, ['director', 'down', '--state-dir', '/var/lib/lvsd']);
});

afterAll(() => network.close());

test('up sets what the services need, status says so, and down leaves everything as it was found', () => {
  const config = write(everything);
  expect(director('status', config)).toMatchObject({ status: 3, stdout: expect.not.stringMatching(/^set/m) });
  const up = director('up', config);
  expect(up).toEqual({
    status: 0,
    stderr: '',
    stdout: [
      'set  net.ipv4.ip_forward = 1',
      'set  net.ipv6.conf.all.forwarding = 1',
      'set  net.ipv4.conf.all.send_redirects = 0',
      'set  net.ipv4.conf.eth0.send_redirects = 0',
      'set  marks 8 in nftables table inet lvsd',
      'set  address 172.16.100.101 dev eth0',
      `set  address ${vip6} dev eth0`,
      `set  address ${vip} dev eth0`,
      'set  route local 198.51.100.0/24 dev lo',
      '',
    ].join('\n'),
  });
  const status = director('status', config);
  expect(status).toMatchObject({ status: 0, stderr: '', stdout: expect.not.stringContaining('missing') });
  expect(status.stdout).toContain(`set  route local ${vip} dev eth0\n`);
  const once = dump(host);
  expect(director('up', config)).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(dump(host)).toBe(once);
  expect(director('down', config)).toMatchObject({ status: 0, stderr: '' });
  expect(dump(host)).toBe(asFound);
});

test('links that came after up, and forward, go on to forward after down', () => {
  const config = write(everything);
  director('up', config);
  runOn(host, 'ip', 'link', 'add', 'late0', 'type', 'bridge');
  const forwarding = ['ipv4', 'ipv6'].map((family) => `net.${family}.conf.late0.forwarding`);
  try {
    runOn(host, 'sysctl', '-qw', ...forwarding.map((name) => `${name}=1`));
    expect(director('down', config)).toMatchObject({ status: 0, stderr: '' });
    expect(runOn(host, 'sysctl', '-n', ...forwarding, 'net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding')).toBe(
      '1\n1\n0\n0\n',
    );
  } finally {
    runOn(host, 'ip', 'link', 'del', 'late0');
  }
  expect(dump(host)).toBe(asFound);
});

test('status names what is missing and ends with 3', () => {
  const config = write(everything);
  director('up', config);
  runOn(host, 'sysctl', '-qw', 'net.ipv4.ip_forward=0');
  runOn(host, 'ip', 'addr', 'del', `${vip}/32`, 'dev', 'eth0');
  runOn(host, 'nft', 'flush chain inet lvsd prerouting');
  const { status, stdout } = director('status', config);
  expect(status).toBe(3);
  expect(stdout.match(/^missing .*$/gm)).toEqual([
    'missing  net.ipv4.ip_forward = 1 (it is 0)',
    'missing  marks 8 in nftables table inet lvsd',
    `missing  address ${vip} dev eth0`,
    `missing  route local ${vip} dev eth0`,
  ]);
  director('up', config);
  expect(director('status', config).status).toBe(0);
  director('down', config);
  expect(dump(host)).toBe(asFound);
});

test('a configuration that is broken since up keeps nobody from down', () => {
  director('up', write(everything));
  const broken = writeConfigFile('version: 1\ncolour: red\n');
  expect(director('down', broken)).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/colour(.|\n)*\nTaking the record at \/var\/lib\/lvsd\/director-\d+\.json as /),
  });
  expect(dump(host)).toBe(asFound);
  expect(director('down', broken).status).toBe(78);
});

test('status of marks takes the permission to ask nft for them', () => {
  const wrapper = ['setpriv', '--bounding-set=-net_admin'];
  expect(lvsdOn(host, ['director', 'status', '-c', write([marked])], { wrapper })).toEqual({
    status: 77,
    stdout: '',
    stderr: 'Cannot run lvsd director status: run it as root, or with the capability CAP_NET_ADMIN\n',
  });
});

test('killed at any step of up, down puts everything back', () => {
  const config = write(everything);
  const steps = killAtEachStep(host, ['director', 'up', '-c', config], (changes) => {
    director('down', config);
    expect([changes, dump(host)]).toEqual([changes, asFound]);
  });
  expect(steps).toBeGreaterThanOrEqual(13);
}, 900_000);

test('marks of a configuration that changed replace the old ones in one step', () => {
  director('up', write([marked]));
  const other = { ...marked, fwmark: 9, marks: [{ addresses: [vip], ports: [8080] }] };
  const { stdout } = director('up', write([other]));
  expect(stdout).toBe('set     marks 9 in nftables table inet lvsd\nundone  route local 198.51.100.0/24 dev lo\n');
  expect(runOn(host, 'nft', 'list', 'table', 'inet', 'lvsd').match(/dport.*(?= comment)/g)).toEqual([
    'dport 8080 meta mark set 0x00000009',
  ]);
});

test('a table inet lvsd of somebody else is refused before anything is set', () => {
  runOn(host, 'nft', 'add table inet lvsd');
  try {
    const before = dump(host);
    const { status, stderr } = director('up', write(everything));
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr:
        'Cannot mark packets as nftables has a table inet lvsd that nothing tells to be ours: rename or delete it\n',
    });
    expect(dump(host)).toBe(before);
  } finally {
    runOn(host, 'nft', 'delete table inet lvsd');
  }
});

test.each([
  ['an interface that there is not', ['--interface', 'eth7'], 1, "to 'eth7': there is no such interface"],
  ['a name that no interface can have', ['--interface', 'eth0:0'], 2, "'eth0:0' is not the name of an interface"],
])('%s is refused before anything is set', (_case, args, status, message) => {
  expect(director('up', write(everything), ...args)).toMatchObject({
    status,
    stderr: expect.stringContaining(message),
  });
  expect(dump(host)).toBe(asFound);
});

test('the broadcast address of a network of the host is refused before anything is set', () => {
  const config = write([{ name: 'web', address: '172.16.100.255:80', servers: ['172.16.100.11'] }]);
  const stderr =
    'Cannot take 172.16.100.255: it is the broadcast address of the network of 172.16.100.10/24, which this host has\n';
  expect(director('up', config)).toEqual({ status: 1, stdout: '', stderr });
  expect(lvsdOn(host, ['realserver', 'up', '--vip', '172.16.100.255'])).toEqual({ status: 1, stdout: '', stderr });
  expect(dump(host)).toBe(asFound);
});

test('without nft nothing is set where packets are to be marked', () => {
  const config = write(everything);
  // In a mount namespace of its own, so that the program is hidden from lvsd alone.
  const wrapper = ['unshare', '-m', 'sh', '-c', `mount --bind /dev/null ${pathOfNft()}; exec "$@"`, 'sh'];
  expect(lvsdOn(host, ['director', 'up', '-c', config], { wrapper })).toEqual({
    status: 69,
    stdout: '',
    stderr: 'Cannot look after the marks of packets: the system answered EACCES\n',
  });
  expect(dump(host)).toBe(asFound);
});

test('a default route that a router advertised survives that the host begins to forward', async () => {
  const router = /inet6 (fe80:\S+)\//.exec(runOn(client, 'ip', '-6', 'addr', 'show', 'dev', 'eth0'))?.[1] ?? '';
  const [{ ifindex }] = JSON.parse(runOn(client, 'ip', '-j', 'link', 'show', 'eth0'));
  const defaults = () => runOn(host, 'ip', '-6', 'route', 'show', 'default');
  runOn(client, process.execPath, join(__dirname, 'support/advertise.mjs'), router, `${ifindex}`);
  await until(defaults, (text) => text.includes(router));
  const config = write(everything);
  try {
    expect(director('up', config).stdout).toContain('set  net.ipv6.conf.eth0.accept_ra = 2\n');
    expect(defaults()).toContain(router);
    director('down', config);
    expect(defaults()).toContain(router);
  } finally {
    runOn(host, 'ip', '-6', 'route', 'flush', 'default');
  }
  expect(dump(host)).toBe(asFound);
});

test.each([
  ['gratuitous ARP', '-4', vip],
  ['a neighbour advertisement', '-6', vip6],
])('a neighbour that knew the VIP at another director learns of the move by %s', async (_case, family, address) => {
  const neighbour = () => runOn(client, 'ip', family, 'neigh', 'show', address, 'dev', 'eth0');
  runOn(
    client,
    'ip',
    family,
    'neigh',
    'replace',
    address,
    'lladdr',
    '02:00:00:00:00:99',
    'dev',
    'eth0',
    'nud',
    'stale',
  );
  director('up', write(everything));
  const { address: own } = JSON.parse(runOn(host, 'ip', '-j', 'link', 'show', 'eth0'))[0];
  await until(neighbour, (text) => text.includes(`lladdr ${own}`));
});

test('packets to the addresses, protocols and ports of a service get its mark, and no others', () => {
  director('up', write([marked]));
  runOn(client, 'ip', 'route', 'add', '198.51.100.0/24', 'via', host.address);
  runOn(
    host,
    'nft',
    `add table inet witness; add chain inet witness pre { type filter hook prerouting priority 0; };
     add rule inet witness pre iifname eth0 tcp flags syn meta mark ${mark} counter;
     add rule inet witness pre iifname eth0 udp dport 1-65535 meta mark ${mark} counter;`,
  );
  try {
    for (const port of [80, 443, 81]) connect(client, 'tcp', vip, port);
    for (const port of [7999, 8000, 8050, 8100, 8101]) connect(client, 'udp', '198.51.100.7', port);
    const counts = runOn(host, 'nft', 'list', 'table', 'inet', 'witness').match(/(?<=packets )\d+/g);
    expect(counts).toEqual(['2', '3']);
  } finally {
    runOn(host, 'nft', 'delete table inet witness');
    runOn(client, 'ip', 'route', 'del', '198.51.100.0/24');
  }
});

function pathOfNft(): string {
  return sh('readlink -f "$(command -v nft)"').trim();
}

/** One packet, whatever becomes of it. */
function connect(from: Host, protocol: 'tcp' | 'udp', address: string, port: number): void {
  sh(`ip netns exec ${from.name} timeout 2 bash -c 'echo x > /dev/${protocol}/${address}/${port}' 2>/dev/null || true`);
}
