import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import { distinctChecks } from '../../src/doctor/check-probing.ts';
import { gather } from '../../src/doctor/gather.ts';
import { entrances, facing, holders, readInterfaces } from '../../src/doctor/interfaces.ts';
import { parseListing } from '../../src/doctor/ipvs-state.ts';
import { readModule } from '../../src/doctor/modules.ts';
import { readOwnProcess } from '../../src/doctor/own-process.ts';
import { readPathRefusals } from '../../src/doctor/paths.ts';
import { look } from '../../src/doctor/programs.ts';
import { readKeepalived, readLdirectord, readRivals } from '../../src/doctor/rivals.ts';
import { createRouteReader, type RouteReader } from '../../src/doctor/routes.ts';
import { parseRuleset } from '../../src/doctor/ruleset.ts';
import { setSysctls, sysctlIfReadable } from '../../src/doctor/sysctl.ts';

describe('sysctls', () => {
  test('are read as sysctl(8) writes them', () => {
    expect(sysctlIfReadable('kernel/osrelease')).toBe(release());
  });

  test('that the kernel does not have are undefined', () => {
    expect(sysctlIfReadable('net/ipv4/nonesuch')).toBeUndefined();
    expect(sysctlIfReadable('net/ipv4')).toBeUndefined();
  });

  test('are set by one command, values with blanks in quotes', () => {
    expect(setSysctls(['a/b', 'a/eth0.1/c'], '0 1')).toBe('sysctl -w a.b="0 1" a.eth0/1.c="0 1"');
  });
});

describe('interfaces', () => {
  test('have the addresses that the kernel lists', () => {
    expect(readInterfaces()).toContainEqual({ device: 'lo', address: '127.0.0.1', prefixLength: 8 });
    expect(readInterfaces()).toHaveLength(Object.values(networkInterfaces()).flat().length);
  });

  const interfaces = [
    { device: 'lo', address: '192.0.2.80', prefixLength: 32 },
    { device: 'eth0', address: '192.0.2.1', prefixLength: 25 },
    { device: 'eth0', address: '192.0.2.2', prefixLength: 25 },
    { device: 'eth1', address: '10.0.0.1', prefixLength: 8 },
    { device: 'eth1', address: '2001:db8::1', prefixLength: 61 },
  ];

  test.each([
    ['192.0.2.80', ['lo'], ['eth0']],
    ['192.0.2.128', [], []],
    ['10.255.0.1', [], ['eth1']],
    ['2001:db8:0:7::80', [], ['eth1']],
    ['2001:db8:0:8::80', [], []],
  ])('%s is held by %j and looked for on %j', (address, held, faced) => {
    expect(holders(interfaces, address)).toEqual(held);
    expect(facing(interfaces, address)).toEqual(faced);
  });
});

test('an address comes in by the interface of its network, not by one that merely keeps it', () => {
  const keeper = { device: 'dummy0', address: '192.0.2.80', prefixLength: 32 };
  const near = { device: 'eth0', address: '192.0.2.1', prefixLength: 24 };
  expect(entrances([keeper], '192.0.2.80')).toEqual([]);
  expect(entrances([keeper, near], '192.0.2.80')).toEqual(['eth0']);
  expect(entrances([{ ...near, address: '192.0.2.80' }], '192.0.2.80')).toEqual(['eth0']);
});

describe('routes', () => {
  let reader: RouteReader;
  beforeEach(() => {
    reader = createRouteReader();
  });
  afterEach(() => reader.close());

  test.each(['127.0.0.1', '127.9.9.9', '::1'])('%s is this machine', async (address) => {
    const mtu = Number(readFileSync('/sys/class/net/lo/mtu', 'utf8'));
    expect(await reader.to(address)).toEqual({ isLocal: true, device: 'lo', mtu, gateway: undefined });
  });

  test('a network is this machine as a whole, or not at all', async () => {
    expect(await reader.to('127.9.9.0/24')).toMatchObject({ isLocal: true });
    expect(await reader.to('127.9.9.0/4')).toMatchObject({ isLocal: false });
  });

  test('what is no single machine has none', async () => {
    expect(await reader.to('255.255.255.255')).toBeUndefined();
    expect(await reader.to('ff02::1')).toBeUndefined();
  });
});

describe('this process', () => {
  test('has the capabilities and limits that the kernel lists', () => {
    const limit = execFileSync('prlimit', [`--pid=${process.pid}`, '--nofile', '--noheadings', '--output', 'SOFT'], {
      encoding: 'utf8',
    });
    expect(readOwnProcess().openFilesLimit).toBe(Number(limit));
    const mask = /CapEff:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
    expect(readOwnProcess().hasNetAdmin).toBe(
      execFileSync('capsh', [`--decode=${mask}`], { encoding: 'utf8' }).includes('cap_net_admin'),
    );
  });
});

test('a program that is not there is told from one that fails', async () => {
  expect(await look('nonesuch-program', [])).toBeUndefined();
  expect(await look('false', [])).toMatchObject({ isSuccess: false });
  expect(await look('echo', ['a'])).toMatchObject({ isSuccess: true, stdout: 'a\n' });
});

test('a module that no kernel has is not there', async () => {
  expect(['missing', 'unknown']).toContain(await readModule('lvsd_nonesuch'));
});

test('the listing of IPVS gives the size of its table, and the connections of every server', () => {
  const listing = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  C0000250:0050 wlc persistent 300 FFFFFFFF
  -> 0A000007:0050      Masq    1      3          20
  -> 0A000008:0050      Masq    1      0          100
FWM  00000008 sh
TCP  [2001:0db8:0000:0000:0000:0000:0000:0080]:0050 rr
  -> [2001:0db8:0000:0000:0000:0000:0000:0007]:0050      Route   1      1000       0
`;
  expect(parseListing(listing)).toEqual({
    isPresent: true,
    connections: 1123,
    tableSize: 4096,
    schedulers: new Set(['wlc', 'sh', 'rr']),
  });
});

describe('rules', () => {
  const chain = (name: string, hook?: string) => ({
    chain: { family: 'inet', table: 'filter', name, ...(hook ? { hook } : {}) },
  });
  const rule = (name: string, ...expr: readonly Record<string, unknown>[]) => ({
    rule: { family: 'inet', table: 'filter', chain: name, expr },
  });
  const state = (right: unknown) => ({ match: { op: 'in', left: { ct: { key: 'state' } }, right } });
  const mark = (value: unknown) => ({ mangle: { key: { meta: { key: 'mark' } }, value } });

  test.each<readonly [string, unknown, ReadonlySet<number> | undefined]>([
    ['numbers', [mark(8), { accept: null }, mark(9)], new Set([8, 9])],
    ['something computed', [mark(8), mark({ map: {} })], undefined],
    ['a target of iptables', [{ xt: { type: 'target', name: 'MARK' } }], undefined],
    ['a mark of connections', [{ mangle: { key: { ct: { key: 'mark' } }, value: 3 } }], new Set()],
  ])('marks are read from %s', (_what, expr, marks) => {
    const nftables = [chain('a', 'prerouting'), rule('a', ...(expr as Record<string, unknown>[]))];
    expect(parseRuleset({ nftables }).marks).toEqual({ ipv4: marks, ipv6: marks });
  });

  test.each(['output', 'forward', 'postrouting', undefined])('marks of a chain of %s come too late', (hook) => {
    const { marks } = parseRuleset({ nftables: [chain('a', hook), rule('a', mark(8))] });
    expect(marks).toEqual({ ipv4: new Set(), ipv6: new Set() });
  });

  test('marks are set for the family of their table', () => {
    const of = (family: string) => [
      { chain: { ...chain('a').chain, family, hook: 'prerouting' } },
      { rule: { ...rule('a', mark(8)).rule, family } },
    ];
    expect(parseRuleset({ nftables: of('ip') }).marks).toEqual({ ipv4: new Set([8]), ipv6: new Set() });
    expect(parseRuleset({ nftables: of('ip6') }).marks).toEqual({ ipv4: new Set(), ipv6: new Set([8]) });
  });

  test('marks are set in chains that are jumped to, by a rule or by a map, and by those in turn', () => {
    const jumps = { vmap: { key: {}, data: { set: [[80, { jump: { target: 'b' } }]] } } };
    const nftables = [
      ...[chain('a', 'prerouting'), chain('b'), chain('c'), chain('d')],
      ...[rule('a', jumps), rule('b', { goto: { target: 'c' } }), rule('c', mark(8), { jump: { target: 'a' } })],
      rule('d', mark(9)),
    ];
    expect(parseRuleset({ nftables }).marks.ipv4).toEqual(new Set([8]));
  });

  test.each([
    ['invalid', { drop: null }, 'forward', true],
    [['invalid', 'untracked'], { reject: { type: 'tcp reset' } }, 'forward', true],
    [['established', 'related'], { drop: null }, 'forward', false],
    ['invalid', { accept: null }, 'forward', false],
    ['invalid', { drop: null }, 'input', false],
  ])('state %j with %j in a chain of %s', (states, verdict, hook, isFound) => {
    const { chainsThatDropInvalid } = parseRuleset({ nftables: [chain('c', hook), rule('c', state(states), verdict)] });
    expect(chainsThatDropInvalid).toEqual(isFound ? ['inet filter c'] : []);
  });

  test('none are an empty ruleset', () => {
    expect(parseRuleset({ nftables: [chain('c', 'forward')] })).toEqual({
      marks: { ipv4: new Set(), ipv6: new Set() },
      chainsThatDropInvalid: [],
      isEmpty: true,
    });
    expect(parseRuleset({ nftables: [rule('c', { drop: null })] }).isEmpty).toBe(false);
  });
});

describe('other programs', () => {
  test('keepalived.conf: services by address and by mark, comments left out', () => {
    const text = `! virtual_server 192.0.2.9 80
vrrp_instance VI_1 {
  virtual_ipaddress { 192.0.2.1 }
}
virtual_server 192.0.2.1 443 { # virtual_server 192.0.2.2 80
}
virtual_server fwmark 8 {
virtual_server 2001:db8::1 80 {
`;
    expect(readKeepalived(text)).toEqual({
      services: ['192.0.2.1:443', 'fwmark 8', '[2001:db8::1]:80'],
      isComplete: true,
    });
  });

  test.each(['include /etc/keepalived/conf.d/*', 'virtual_server_group G {', '$VIP=192.0.2.1'])(
    'keepalived.conf with %s may have more',
    (line) => {
      expect(readKeepalived(`${line}\n`)).toEqual({ services: [], isComplete: false });
    },
  );

  test('ldirectord.cf: services by address and by mark; names stand for something else', () => {
    const text = 'checktimeout=3\nvirtual=192.0.2.1:80\n  real=10.0.0.7 gate\nvirtual6=[2001:db8::1]:80\nvirtual = 8\n';
    expect(readLdirectord(text)).toEqual({
      services: ['192.0.2.1:80', '[2001:db8::1]:80', 'fwmark 8'],
      isComplete: true,
    });
    expect(readLdirectord('virtual=www.example.org:http\n').isComplete).toBe(false);
  });

  test.each([
    ['with its services', ['-f'], [], { services: ['192.0.2.1:80'], isComplete: true }],
    ['that moves addresses alone', ['-nPf'], [], { services: [], isComplete: true }],
    ['whose file is given in one word', ['-n', '-f/dev/null'], [], { services: [], isComplete: true }],
    ['whose file cannot be read', ['--use-file=/nonesuch'], [], { services: [], isComplete: false }],
  ])('keepalived %s is found running', async (_what, options, wrapper, expected) => {
    const rival = await impersonate(wrapper, options);
    expect(readRivals().find(({ pid }) => pid === rival.pid)).toMatchObject({ name: 'keepalived', ...expected });
  });

  test('keepalived of another network namespace is none of ours', async () => {
    const rival = await impersonate(['unshare', '--user', '--net'], ['-f']);
    expect(readRivals().map(({ pid }) => pid)).not.toContain(rival.pid);
  });

  let directory: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'lvsd-doctor-'));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });

  /** A process by the name of keepalived, that runs. Its file is the last argument. */
  async function impersonate(wrapper: readonly string[], options: readonly string[]): Promise<ChildProcess> {
    const [program, file] = [join(directory, 'keepalived'), join(directory, 'keepalived.conf')];
    writeFileSync(program, '#!/bin/sh\necho started\nread -r line\n', { mode: 0o755 });
    writeFileSync(file, 'virtual_server 192.0.2.1 80 {\n}\n');
    const [command = '', ...args] = [...wrapper, program, ...options, file];
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    await once(child.stdout, 'data');
    return child;
  }
});

test('facts are gathered for every service of the example', async () => {
  const facts = await gather(await loadConfig(join(__dirname, '../../config/example.yaml')));
  expect(facts.kernelRelease).toBe(release());
  expect([...facts.modules.keys()]).toContain('ip_vs_wrr');
  expect(facts.routes.get('127.0.0.1')?.isLocal).toBe(true);
});

test('paths that the kernel refuses are found, by family', () => {
  const checks = [
    { interface: 'lvsd-nosuch0' },
    { source: '192.0.2.99' },
    { source: '127.0.0.1', interface: 'lo' },
    {},
  ].map((path, index) => ({ type: 'tcp', name: `c${index}`, ...path }));
  const services = [
    { name: 'a', address: '192.0.2.1:80', checks, servers: ['127.0.0.1'] },
    { name: 'b', address: '[2001:db8::1]:80', checks: [{ type: 'icmp', source: '2001:db8::99' }], servers: ['::1'] },
  ];
  const config = parseConfig(JSON.stringify({ version: 1, services }), 'c');
  const found = readPathRefusals(distinctChecks(config));
  expect([...found].map(([path, { code }]) => [path, code])).toEqual([
    ['ipv4 interface lvsd-nosuch0', 'ENODEV'],
    ['ipv4 source 192.0.2.99', 'EADDRNOTAVAIL'],
    ['ipv6 source 2001:db8::99', 'EADDRNOTAVAIL'],
  ]);
});

test('a check by ICMP that may ping is refused nothing', async () => {
  const config = parseConfig(
    JSON.stringify({
      version: 1,
      services: [{ name: 'a', fwmark: 1, checks: [{ type: 'icmp' }], servers: ['127.0.0.1'] }],
    }),
    'c',
  );
  const isAllowed = (await look('ping', ['-c1', '127.0.0.1']))?.isSuccess === true;
  expect((await gather(config)).pingRefusals.length === 0).toBe(isAllowed);
});
