import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Facts } from '../../src/doctor/facts.ts';
import { complaintsOf, examineService, facts, local, onLink, vip } from './support.ts';

type Changes = Parameters<typeof facts>[0];

interface Case {
  readonly what: string;
  readonly service?: object;
  readonly changes?: Changes;
  readonly finding: object;
}

const sticky = { persistence: '300s', on_failure: 'quiesce' };
const routes = (address: string, changes: object) => new Map([...facts().routes, [address, { ...onLink, ...changes }]]);
const keepalived = {
  name: 'keepalived',
  movesAddresses: true,
  pid: 7,
  file: '/k.conf',
  services: [],
  isComplete: true,
} as const;
const tracked = { 'net/ipv4/vs/conntrack': '1' };
const firewall = { ...facts().firewall, isEmpty: false };
/** By firewall mark, whose packets `lvsd director up` marks. */
const marked = {
  address: undefined,
  fwmark: 8,
  marks: [{ addresses: [vip], ports: [80] }],
  checks: [{ type: 'tcp', port: 80 }],
};
const ownTable = { ...firewall, isOwnTableSet: true };

const cases: readonly Case[] = [
  {
    what: 'no forwarding for NAT',
    changes: { sysctl: { 'net/ipv4/ip_forward': '0' } },
    finding: { severity: 'problem', subject: 'net.ipv4.ip_forward', remedy: 'sysctl -w net.ipv4.ip_forward=1' },
  },
  {
    what: 'no forwarding on the interface of the servers, a VLAN',
    changes: { routes: routes('10.0.0.7', { device: 'eth1.5' }), sysctl: { 'net/ipv4/conf/eth1.5/forwarding': '0' } },
    finding: { severity: 'problem', remedy: 'sysctl -w net.ipv4.conf.eth1/5.forwarding=1' },
  },
  {
    what: 'no forwarding for NAT of IPv6',
    service: { address: '[2001:db8::80]:80', servers: ['2001:db8::7'] },
    changes: { sysctl: { 'net/ipv6/conf/all/forwarding': '0' } },
    finding: { severity: 'problem', remedy: 'sysctl -w net.ipv6.conf.all.forwarding=1' },
  },
  {
    what: 'redirects on one interface for both sides',
    changes: { routes: routes('10.0.0.7', { device: 'eth0' }), sysctl: { 'net/ipv4/conf/eth0/send_redirects': '1' } },
    finding: { severity: 'warning', remedy: 'sysctl -w net.ipv4.conf.eth0.send_redirects=0' },
  },
  {
    what: 'NAT to the loopback address',
    service: { fallback_servers: ['127.0.0.1:8080'] },
    finding: { severity: 'problem', subject: `web (TCP ${vip}:80)` },
  },
  {
    what: 'direct routing to a server behind a router',
    service: { forwarding: 'dr', servers: ['10.0.0.7', '10.9.9.9'] },
    finding: {
      severity: 'problem',
      message: expect.stringMatching(/^(?!.*10\.0\.0\.7).*10\.9\.9\.9:80.*10\.0\.0\.254/),
    },
  },
  {
    what: 'a filter that drops invalid packets, and no connection tracking',
    changes: { firewall: { ...firewall, chainsThatDropInvalid: ['inet filter forward'] } },
    finding: { severity: 'warning', message: expect.stringContaining('inet filter forward') },
  },
  {
    what: 'no address of the service',
    changes: { routes: routes(vip, { device: 'eth0' }) },
    finding: { severity: 'problem', remedy: 'lvsd director up -c config.yaml --interface eth0' },
  },
  {
    what: 'no address of the service, which is behind a router',
    changes: { interfaces: [], routes: routes(vip, { gateway: '10.0.0.254' }) },
    finding: { severity: 'problem', remedy: 'lvsd director up -c config.yaml --interface eth1' },
  },
  {
    what: 'no address of the service, nor a way to it',
    changes: { interfaces: [], routes: new Map([['10.0.0.7', onLink]]) },
    finding: { severity: 'problem', remedy: 'lvsd director up -c config.yaml --interface NAME' },
  },
  {
    what: 'no address of the service, whose interface the configuration names',
    service: { interface: 'eth0' },
    changes: { routes: routes(vip, { device: 'eth0' }) },
    finding: { severity: 'problem', subject: `address ${vip}`, remedy: 'lvsd director up -c config.yaml' },
  },
  {
    what: 'no address of the service on a machine that keepalived may hold in reserve',
    changes: { routes: routes(vip, { device: 'eth0' }), rivals: [keepalived] },
    finding: { severity: 'warning', message: expect.stringContaining('keepalived (pid 7)'), remedy: undefined },
  },
  {
    what: 'an address on lo alone that nobody gets an answer for',
    changes: {
      interfaces: [
        { device: 'lo', address: vip, prefixLength: 32 },
        { device: 'eth0', address: '192.0.2.1', prefixLength: 24 },
      ],
      sysctl: { 'net/ipv4/conf/all/arp_ignore': '1' },
    },
    finding: { severity: 'warning', remedy: `ip address add ${vip}/32 dev eth0` },
  },
  ...['2', '8'].map((mode) => ({
    what: `arp_ignore ${mode}`,
    changes: { sysctl: { 'net/ipv4/conf/eth0/arp_ignore': mode } },
    finding: {
      severity: 'warning',
      remedy: 'sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.eth0.arp_ignore=1',
    },
  })),
  {
    what: 'packets that the reverse path filter drops',
    changes: { refusedArrivals: [{ address: vip, device: 'eth0', returnDevice: 'eth2' }] },
    finding: { severity: 'warning', remedy: 'sysctl -w net.ipv4.conf.eth0.rp_filter=2' },
  },
  {
    what: 'a tunnel with too little room',
    service: { forwarding: 'tun' },
    changes: { routes: routes('10.0.0.7', { mtu: 1500 }) },
    finding: { severity: 'advice', message: expect.stringMatching(/1480 bytes.*advmss 1440.*MTU of 1520/) },
  },
  {
    what: 'a tunnel of IPv6 with too little room',
    service: { forwarding: 'tun', address: '[2001:db8::80]:80', servers: ['2001:db8::7'] },
    changes: { routes: routes('2001:db8::7', { mtu: 1500 }).set('2001:db8::80', local) },
    finding: { severity: 'advice', message: expect.stringMatching(/1460 bytes.*advmss 1400.*MTU of 1540/) },
  },
  ...(
    [
      [{ type: 'gue', port: 6080 }, 1468, 1532],
      [{ type: 'gue', port: 6080, checksum: 'remote' }, 1460, 1540],
      [{ type: 'gre' }, 1476, 1524],
      [{ type: 'gre', checksum: 'checksum' }, 1472, 1528],
    ] as const
  ).map(([tunnel, room, mtu]) => ({
    what: `too little room in a tunnel of ${JSON.stringify(tunnel)}`,
    service: { forwarding: 'tun', tunnel },
    changes: { routes: routes('10.0.0.7', { mtu: 1500 }) },
    finding: { severity: 'advice', message: expect.stringMatching(`${room} bytes.*MTU of ${mtu}`) },
  })),
  {
    what: 'a persistence engine that the kernel has not',
    service: { address: `${vip}:5060`, protocol: 'udp', persistence: { timeout: '300s', engine: 'sip' } },
    changes: { modules: new Map([...facts().modules, ['ip_vs_pe_sip', 'missing' as const]]) },
    finding: { severity: 'problem', subject: 'module ip_vs_pe_sip', message: expect.stringContaining('engine sip') },
  },
  {
    what: 'persistent clients that stay with a quiesced server',
    service: sticky,
    changes: { sysctl: { 'net/ipv4/vs/expire_quiescent_template': '0' } },
    finding: { severity: 'problem', remedy: 'sysctl -w net.ipv4.vs.expire_quiescent_template=1' },
  },
  {
    what: 'clients of removed servers that are not told',
    changes: { sysctl: { 'net/ipv4/vs/expire_nodest_conn': '0' } },
    finding: { severity: 'advice', remedy: 'sysctl -w net.ipv4.vs.expire_nodest_conn=1' },
  },
  {
    what: 'ports used again that stay with their server',
    changes: { sysctl: { 'net/ipv4/vs/conn_reuse_mode': '0' } },
    finding: { severity: 'warning', remedy: 'sysctl -w net.ipv4.vs.conn_reuse_mode=1' },
  },
  {
    what: 'ports used again that cost a second on an old kernel',
    changes: { sysctl: tracked, kernelRelease: '5.8.18', firewall },
    finding: {
      severity: 'warning',
      message: expect.stringMatching(/a second longer .*; at 0 .* even if that has failed/),
      remedy: 'sysctl -w net.ipv4.vs.conn_reuse_mode=0',
    },
  },
  {
    what: 'connections tracked for nobody',
    changes: { sysctl: tracked },
    finding: { severity: 'advice', remedy: 'sysctl -w net.ipv4.vs.conntrack=0' },
  },
  {
    what: 'a crowded table of connections',
    changes: { ipvs: { ...facts().ipvs, connections: 100_000 } },
    finding: { severity: 'advice', remedy: 'echo options ip_vs conn_tab_bits=17 >> /etc/modprobe.d/lvsd.conf' },
  },
  {
    what: 'a mark that nobody sets',
    service: { address: undefined, fwmark: 8, checks: [] },
    finding: { severity: 'warning', subject: 'web (FWM 8)', message: expect.stringContaining('sets the mark 8') },
  },
  {
    what: 'a mark that a rule sets for the other family alone',
    service: { address: undefined, fwmark: 8, checks: [] },
    changes: { firewall: { ...firewall, marks: { ipv4: new Set(), ipv6: new Set([8]) } } },
    finding: { severity: 'warning', subject: 'web (FWM 8)' },
  },
  {
    what: 'rules that cannot be read',
    service: { address: undefined, fwmark: 8, checks: [] },
    changes: { firewall: { ...firewall, marks: { ipv4: undefined, ipv6: undefined } } },
    finding: { severity: 'warning', subject: 'web (FWM 8)', message: expect.stringContaining('cannot be told') },
  },
  {
    what: 'packets that lvsd director up has not marked, though a rule sets the mark',
    service: marked,
    changes: { firewall: { ...firewall, marks: { ipv4: new Set([8]), ipv6: new Set() }, isOwnTableSet: false } },
    finding: { severity: 'problem', remedy: 'lvsd director up -c config.yaml --interface eth0' },
  },
  {
    what: 'packets that lvsd director up has not marked, on a machine that keepalived may hold in reserve',
    service: marked,
    changes: { firewall: { ...firewall, isOwnTableSet: false }, rivals: [keepalived] },
    finding: { severity: 'problem', message: expect.stringContaining('keepalived (pid 7)'), remedy: undefined },
  },
  {
    what: 'a table of lvsd director up that cannot be read',
    service: marked,
    finding: { severity: 'warning', message: expect.stringMatching(/inet lvsd .* cannot be told/) },
  },
  {
    what: 'no address of a service by mark',
    service: marked,
    changes: { routes: routes(vip, { device: 'eth0' }), firewall: ownTable },
    finding: {
      severity: 'problem',
      subject: `address ${vip}`,
      remedy: 'lvsd director up -c config.yaml --interface eth0',
    },
  },
  {
    what: 'a network of a service by mark that is not taken here',
    service: { ...marked, marks: [{ addresses: ['192.0.2.0/24'], ports: [80] }] },
    changes: { routes: routes('192.0.2.0/24', { device: 'eth0' }), firewall: ownTable },
    finding: { severity: 'problem', subject: 'network 192.0.2.0/24', remedy: 'lvsd director up -c config.yaml' },
  },
  {
    what: 'redirects on the interface of a service by mark',
    service: { ...marked, forwarding: 'nat' },
    changes: {
      routes: routes('10.0.0.7', { device: 'eth0' }),
      sysctl: { 'net/ipv4/conf/eth0/send_redirects': '1' },
      firewall: ownTable,
    },
    finding: { severity: 'warning', subject: 'net.ipv4.conf.eth0.send_redirects' },
  },
  {
    what: 'keepalived with the same service',
    changes: { rivals: [{ ...keepalived, services: [`${vip}:80`] }] },
    finding: {
      severity: 'problem',
      subject: 'keepalived (pid 7)',
      message: expect.stringMatching(/\/k\.conf too: .* hold addresses .* decide/),
      remedy: undefined,
    },
  },
  {
    what: 'ldirectord with the same service',
    changes: { rivals: [{ ...keepalived, name: 'ldirectord', movesAddresses: false, services: [`${vip}:80`] }] },
    finding: { severity: 'problem', message: expect.stringMatching(/out of one of them$/), remedy: undefined },
  },
  {
    what: 'keepalived with the same mark',
    service: { address: undefined, fwmark: 8, checks: [] },
    changes: {
      rivals: [{ ...keepalived, services: ['fwmark 8'] }],
      firewall: { ...firewall, marks: { ipv4: new Set([8]), ipv6: new Set() } },
    },
    finding: { severity: 'problem' },
  },
  {
    what: 'ldirectord with a file that cannot be read',
    changes: { rivals: [{ ...keepalived, name: 'ldirectord', isComplete: false }] },
    finding: { severity: 'warning', subject: 'ldirectord (pid 7)' },
  },
  {
    what: 'kube-proxy with the same address',
    changes: { interfaces: [{ device: 'kube-ipvs0', address: vip, prefixLength: 32 }] },
    finding: { severity: 'problem', subject: 'kube-ipvs0', remedy: undefined },
  },
  {
    what: 'kube-proxy with addresses of its own',
    changes: {
      interfaces: [{ device: 'kube-ipvs0', address: '10.96.0.1', prefixLength: 32 }],
      rivals: [{ ...keepalived, name: 'kube-proxy' }],
    },
    finding: { severity: 'warning', subject: 'kube-proxy (pid 7)' },
  },
  {
    what: 'no capability',
    changes: { process: { ...facts().process, hasNetAdmin: false } },
    finding: { severity: 'problem', subject: 'CAP_NET_ADMIN', remedy: undefined },
  },
  {
    what: 'root of a user namespace',
    changes: { process: { ...facts().process, isInInitialUserNamespace: false } },
    finding: { severity: 'problem', subject: 'user namespace' },
  },
  {
    what: 'too few open files',
    changes: { process: { ...facts().process, openFilesLimit: 129 } },
    finding: {
      severity: 'warning',
      message: expect.stringMatching(/checks would wait for each other.*LimitNOFILE=130/),
      remedy: 'ulimit -n 130',
    },
  },
  {
    what: 'fewer source ports than checks of one target',
    service: { checks: ['a', 'b'].map((path) => ({ type: 'http', name: path, path: `/${path}` })) },
    changes: { sysctl: { 'net/ipv4/ip_local_port_range': '40000\t40000' } },
    finding: {
      severity: 'problem',
      message:
        'has 1 ports that are not reserved, and checks of 10.0.0.7 port 80 take up to 2; before the range is widened, put ports that programs listen on into net.ipv4.ip_local_reserved_ports',
      remedy: 'sysctl -w net.ipv4.ip_local_port_range="1024 65535"',
    },
  },
  {
    what: 'source ports that are reserved',
    changes: {
      sysctl: {
        'net/ipv4/ip_local_port_range': '32768\t60999',
        'net/ipv4/ip_local_reserved_ports': '8080,30000-40000,40001-61000',
      },
    },
    finding: { severity: 'problem', message: expect.stringContaining('has 0 ports that are not reserved') },
  },
  {
    what: 'a range that cannot be widened',
    changes: {
      sysctl: { 'net/ipv4/ip_local_port_range': '1024\t65535', 'net/ipv4/ip_local_reserved_ports': '1024-65535' },
    },
    finding: { severity: 'problem', message: expect.stringContaining('no range has as many'), remedy: undefined },
  },
  {
    what: 'source ports that checks leave in TIME_WAIT',
    service: { checks: [{ type: 'tcp', close: 'fin', interval: '2s', timeout: '1s' }] },
    changes: { sysctl: { 'net/ipv4/ip_local_port_range': '40000\t40029' } },
    finding: { severity: 'problem', message: expect.stringContaining('take up to 31') },
  },
  {
    what: 'an interface of checks that there is not',
    service: { checks: [{ type: 'tcp', interface: 'nosuch0' }] },
    changes: {
      pathRefusals: new Map([['ipv4 interface nosuch0', { code: 'ENODEV', message: 'setsockopt: no such device' }]]),
    },
    finding: {
      severity: 'problem',
      subject: 'checks by ipv4 interface nosuch0',
      message: 'those of web learn nothing on this machine: setsockopt: no such device; there is no interface nosuch0',
    },
  },
  {
    what: 'a mark that this process may not give',
    service: { checks: [{ type: 'icmp', mark: 8, source: '10.0.0.1' }] },
    changes: {
      pathRefusals: new Map([['ipv4 source 10.0.0.1 mark 8', { code: 'EPERM', message: 'setsockopt: not permitted' }]]),
    },
    finding: { severity: 'problem', message: expect.stringContaining('start lvsd with CAP_NET_ADMIN') },
  },
  {
    what: 'an interface of checks by TCP without libc',
    service: { checks: [{ type: 'tcp', interface: 'eth1' }] },
    changes: { engine: 'node' },
    finding: { severity: 'problem', subject: 'koffi', message: expect.stringContaining('TCP of web learn nothing') },
  },
  {
    what: 'ping without libc',
    service: { checks: [{ type: 'icmp', interface: 'eth1' }] },
    changes: { engine: 'node' },
    finding: { severity: 'warning', subject: 'koffi', message: expect.stringContaining('of which there are 1') },
  },
  {
    what: 'a ping that may not send',
    service: { checks: [{ type: 'icmp' }] },
    changes: { pingRefusals: [{ code: 'EPERM', message: 'ping 127.0.0.1: Operation not permitted' }] },
    finding: { severity: 'problem', remedy: 'sysctl -w net.ipv4.ping_group_range="0 2147483647"' },
  },
  {
    what: 'a ping that may not start',
    service: { checks: [{ type: 'icmp' }] },
    changes: { pingRefusals: [{ code: 'EPERM', message: 'Cannot run ping: spawn ping EPERM' }] },
    finding: { severity: 'problem', message: expect.stringMatching(/spawn ping EPERM; start lvsd with CAP_NET_RAW$/) },
  },
  {
    what: 'no ping',
    service: { checks: [{ type: 'icmp' }] },
    changes: { pingRefusals: [{ code: 'ENOENT', message: 'Cannot run ping: spawn ping ENOENT' }] },
    finding: { severity: 'problem', message: expect.stringContaining('install the program ping') },
  },
];

test('a director in order gives no reason for complaint, and says what was looked at', () => {
  const findings = examineService(sticky, facts());
  expect(findings.filter(({ severity }) => severity !== 'ok')).toEqual([]);
  expect(findings.map(({ subject }) => subject)).toEqual(
    expect.arrayContaining([
      'module ip_vs',
      'module ip_vs_wlc',
      'CAP_NET_ADMIN',
      `address ${vip}`,
      'net.ipv4.ip_forward',
      'net.ipv4.vs.expire_quiescent_template',
      'open files',
    ]),
  );
});

describe('one thing that is wrong is the one thing that is found', () => {
  test.each(cases)('$what', ({ service = {}, changes = {}, finding }) => {
    const found = complaintsOf(service, facts(changes));
    expect(found.map((one) => ({ remedy: undefined, ...one }))).toEqual([expect.objectContaining(finding)]);
  });
});

test('the documentation names every sysctl that is found wrong', () => {
  const page = readFileSync(join(__dirname, '../../docs/doctor.md'), 'utf8');
  const subjects = cases.flatMap(({ service = {}, changes = {} }) =>
    complaintsOf(service, facts(changes)).map(({ subject }) => subject.replace(/eth\d(?:\/\d)?/, 'IF')),
  );
  const sysctls = [...new Set(subjects.filter((subject) => subject.startsWith('net.')))];
  expect(sysctls.length).toBeGreaterThan(9);
  expect(sysctls.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

describe('no reason for complaint', () => {
  test.each<readonly [string, object, Changes]>([
    ['direct routing and tunnels without forwarding', { forwarding: 'dr' }, { sysctl: { 'net/ipv4/ip_forward': '0' } }],
    [
      'a fallback server of this machine by direct routing',
      { fallback_servers: [{ address: '127.0.0.1', forwarding: 'dr' }] },
      {},
    ],
    [
      'an address on lo alone, that a router sends here',
      {},
      {
        interfaces: [{ device: 'lo', address: vip, prefixLength: 32 }],
        sysctl: { 'net/ipv4/conf/all/arp_ignore': '1' },
      },
    ],
    [
      'NAT of IPv6 that one interface forwards',
      { address: '[2001:db8::80]:80', servers: ['2001:db8::7'] },
      { sysctl: { 'net/ipv6/conf/all/forwarding': '0', 'net/ipv6/conf/eth1/force_forwarding': '1' } },
    ],
    [
      'NAT from one loopback address to another, for clients of this machine',
      { address: '127.0.0.10:80', servers: ['127.0.0.1'] },
      { routes: new Map([['127.0.0.10', local]]) },
    ],
    ['arp_ignore 1 where the interface has the address', {}, { sysctl: { 'net/ipv4/conf/all/arp_ignore': '1' } }],
    ['redirects where clients and servers are apart', {}, { sysctl: { 'net/ipv4/conf/all/send_redirects': '1' } }],
    [
      'a tunnel that fragments',
      { forwarding: 'tun' },
      { routes: routes('10.0.0.7', { mtu: 1500 }), sysctl: { 'net/ipv4/vs/pmtu_disc': '0' } },
    ],
    [
      'quiesced servers without persistence',
      { on_failure: 'quiesce' },
      { sysctl: { 'net/ipv4/vs/expire_quiescent_template': '0', 'net/ipv4/vs/expire_nodest_conn': '0' } },
    ],
    [
      'removed servers with persistence',
      { persistence: '300s' },
      { sysctl: { 'net/ipv4/vs/expire_quiescent_template': '0' } },
    ],
    ['connections tracked where there are rules', {}, { sysctl: tracked, firewall }],
    [
      'an old kernel that does not reschedule tracked connections',
      {},
      { sysctl: { ...tracked, 'net/ipv4/vs/conn_reuse_mode': '0' }, kernelRelease: '5.8.18', firewall },
    ],
    [
      'a mark that a rule sets',
      { address: undefined, fwmark: 8, checks: [] },
      { firewall: { ...firewall, marks: { ipv4: new Set([8]), ipv6: new Set() } } },
    ],
    ['a service by mark that lvsd director up has set up', marked, { firewall: ownTable }],
    ['keepalived with other services', {}, { rivals: [{ ...keepalived, services: [`${vip}:443`, 'fwmark 80'] }] }],
    ['kube-proxy that does not use IPVS', {}, { rivals: [{ ...keepalived, name: 'kube-proxy', isComplete: false }] }],
    ['a refusal of ping that no check asks for', {}, { pingRefusals: [{ code: 'EPERM', message: 'no' }] }],
    [
      'an address that checks are made from, without libc',
      { checks: [{ type: 'tcp', source: '10.0.0.1' }] },
      { engine: 'node' },
    ],
    [
      'source ports that are used again out of TIME_WAIT',
      { checks: [{ type: 'tcp', close: 'fin', interval: '2s', timeout: '1s' }] },
      { sysctl: { 'net/ipv4/ip_local_port_range': '40000\t40000', 'net/ipv4/tcp_tw_reuse': '1' } },
    ],
    ['as many files as are needed', {}, { process: { ...facts().process, openFilesLimit: 130 } }],
    [
      'a kernel without the sysctls of IPVS',
      sticky,
      {
        sysctl: Object.fromEntries(
          ['expire_nodest_conn', 'expire_quiescent_template', 'conn_reuse_mode', 'conntrack', 'pmtu_disc'].map(
            (name) => [`net/ipv4/vs/${name}`, undefined],
          ),
        ),
      },
    ],
  ])('%s', (_what, service, changes) => {
    expect(complaintsOf(service, facts(changes))).toEqual([]);
  });
});

describe('modules', () => {
  const absent = { ...facts().ipvs, isPresent: false, tableSize: 0 };
  const modules = (state: string) =>
    new Map([
      ['ip_vs', state],
      ['ip_vs_wlc', 'present'],
    ]) as Facts['modules'];

  test.each([
    ['loadable', true, 'advice', 'modprobe ip_vs'],
    ['loadable', false, 'problem', 'modprobe ip_vs'],
    ['forbidden', true, 'problem', 'modprobe --ignore-install ip_vs'],
    ['missing', true, 'problem', undefined],
    ['unknown', true, 'problem', undefined],
  ])('IPVS is %s, and modules are loaded on demand: %s', (state, isAutoloading, severity, remedy) => {
    const found = complaintsOf({}, facts({ ipvs: absent, modules: modules(state), isAutoloading }));
    expect(found).toEqual([expect.objectContaining({ severity, subject: 'module ip_vs' })]);
    expect(found[0]?.remedy).toBe(remedy);
  });

  test.each(['missing', 'unknown'])('IPVS that is there is no matter of modules, which are %s', (state) => {
    expect(complaintsOf({}, facts({ modules: modules(state) }))).toEqual([]);
  });

  test('a scheduler that a service has is there, whatever becomes of modules', () => {
    const found = { modules: new Map([['ip_vs_wlc', 'unknown']]) as Facts['modules'] };
    expect(complaintsOf({}, facts(found))).toEqual([
      expect.objectContaining({ severity: 'warning', subject: 'module ip_vs_wlc' }),
    ]);
    const ipvs = { ...facts().ipvs, schedulers: new Set(['wlc']) };
    expect(complaintsOf({}, facts({ ...found, ipvs }))).toEqual([]);
  });

  test('schedulers are loaded on demand', () => {
    const found = new Map([['ip_vs_sh', 'loadable']]) as Facts['modules'];
    expect(complaintsOf({ scheduler: 'sh' }, facts({ modules: found }))).toEqual([]);
    expect(complaintsOf({ scheduler: 'sh' }, facts({ modules: found, isAutoloading: false }))).toEqual([
      expect.objectContaining({ severity: 'problem', subject: 'module ip_vs_sh', remedy: 'modprobe ip_vs_sh' }),
    ]);
  });
});

test('paths are said to be in order where they could be tried alone', () => {
  const subjects = (engine: Facts['engine']) =>
    examineService({ checks: [{ type: 'tcp', source: '10.0.0.1' }] }, facts({ engine })).map(({ subject }) => subject);
  expect(subjects('libc')).toContain('checks by ipv4 source 10.0.0.1');
  expect(subjects('node')).not.toContain('checks by ipv4 source 10.0.0.1');
});

describe('open files', () => {
  const servers = (count: number) => Array.from({ length: count }, (_, n) => `10.0.${n >> 8}.${n & 255}`);
  const check = (options: object) => ({ checks: [options] });

  test.each<readonly [string, number, object, Facts['engine'], number]>([
    ['a check has one, as much again is for idle connections', 300, check({ type: 'tcp' }), 'libc', 728],
    ['no more than runs that are in flight at once', 3000, check({ type: 'tcp' }), 'libc', 4128],
    ['idle connections have half of all', 300, check({ type: 'tcp', watch: true }), 'libc', 728],
    ['and more where they need it', 5000, check({ type: 'tcp', watch: true }), 'libc', 10_000],
    ['one a connection that is kept', 3000, check({ type: 'http', connection: 'reuse' }), 'libc', 7128],
    ['echo requests have one for all', 300, check({ type: 'icmp' }), 'libc', 128],
    ['four a program ping', 300, check({ type: 'icmp' }), 'node', 1628],
    [
      'four a program ping, which are no more than runs',
      3000,
      { checks: [{ type: 'icmp' }, { type: 'tcp' }] },
      'node',
      10_128,
    ],
  ])('%s', (_what, count, service, engine, wanted) => {
    const of = (openFilesLimit: number) =>
      examineService(
        { servers: servers(count), ...service },
        facts({ engine, process: { ...facts().process, openFilesLimit } }),
      )
        .filter(({ subject }) => subject === 'open files')
        .map(({ severity, remedy }) => remedy ?? severity);
    expect(of(wanted)).toEqual(['ok']);
    expect(of(wanted - 1)).toEqual([`ulimit -n ${wanted}`]);
  });
});

test('the worst comes first, and nothing twice', () => {
  const server = (n: number) => `127.0.0.${n}`;
  const found = examineService(
    { fallback_servers: [server(1)], servers: ['10.0.0.7'] },
    facts({
      sysctl: { 'net/ipv4/ip_forward': '0', 'net/ipv4/vs/conn_reuse_mode': '0', 'net/ipv4/vs/expire_nodest_conn': '0' },
    }),
  ).map(({ severity }) => severity);
  expect(found.slice(0, 5)).toEqual(['problem', 'problem', 'warning', 'advice', 'ok']);
});
