import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { resolveNames } from '../../src/cli/table/resolve-names.ts';
import { serviceFamily, type Table } from '../../src/core/table.ts';
import { connectionsFile, readConnections } from '../../src/kernel/connections.ts';
import { createIpvsKernel, type IpvsKernel } from '../../src/kernel/ipvs.ts';
import { applyPlan } from '../../src/kernel/restore/apply-plan.ts';
import { planRestore } from '../../src/kernel/restore/plan.ts';
import type { Layout } from '../../src/kernel/text/columns.ts';
import { formatConnections } from '../../src/kernel/text/connections.ts';
import { formatListing } from '../../src/kernel/text/listing.ts';
import { parseRules } from '../../src/kernel/text/parse-rules.ts';
import { formatRules } from '../../src/kernel/text/rules.ts';
import { formatDaemons, formatTimeouts } from '../../src/kernel/text/settings.ts';
import {
  addServer,
  addService,
  server,
  serverShapes,
  service,
  serviceShapes,
  withoutCounters,
} from '../contract/kernel.ts';
import { until } from './support/agent.ts';
import { ipvsadm } from './support/ipvsadm.ts';
import { sh } from './support/netns.ts';

const vip = '10.3.0.1';
const vip6 = '2001:db8::1';

let kernel: IpvsKernel;

beforeAll(() => {
  sh(`ip addr add ${vip}/32 dev lo && ip -6 addr add ${vip6}/128 dev lo`);
});
beforeEach(() => {
  ipvsadm('-C');
  kernel = createIpvsKernel();
});
afterEach(() => kernel.close());
afterAll(async () => {
  ipvsadm('-C');
  ipvsadm('--set 900 120 300');
  // Until then the persistence engine cannot be unloaded.
  await until(
    () => readFileSync(connectionsFile, 'utf8'),
    (text) => !text.includes(' sip '),
  );
  sh(`ip addr del ${vip}/32 dev lo && ip -6 addr del ${vip6}/128 dev lo`);
});

/** Rules of every shape, as somebody may type them. */
const typed = `
  -A -t ${vip}:80 -s rr
  -a -t ${vip}:80 -r 127.0.0.1:8080 -m
  -a -t ${vip}:80 -r 127.0.0.2:8080 -m -w 65535 -x 1000 -y 10
  -A -u ${vip}:5060 -s wrr -p 30 --pe sip
  -a -u ${vip}:5060 -r 127.0.0.1:7000 -m -w 3
  -A -u [${vip6}]:53 -s mh -b mh-port,mh-fallback -p 50 -M 64
  -a -u [${vip6}]:53 -r [::1]:53 -m -w 2147483647
  -a -u [${vip6}]:53 -r 10.9.0.1 -i
  -A -t 192.0.2.4:0 -p 7 -M 255.0.255.0
  -A -t 200.0.2.4:443 -s sh -b sh-port
  -a -t 200.0.2.4:443 -r 200.0.0.1 -g -w 0
  -a -t 200.0.2.4:443 -r 100.0.0.1 -i --tun-type gue --tun-port 6080 --tun-remcsum
  -a -t 200.0.2.4:443 -r 10.0.0.2 -i --tun-type gue --tun-port 6081
  -a -t 200.0.2.4:443 -r 10.0.0.3 -i --tun-type gre --tun-csum
  -a -t 200.0.2.4:443 -r 150.0.0.3 -i
  -A -t 100.0.2.4:443 -b flag-1,flag-3 -s lc
  -A --sctp-service 10.0.0.9:9 -s nq
  -A -u 10.0.0.9:9 -o
  -A -f 8 -s fo -p
  -A -f 8 -6 -s ovf -p
  -a -f 8 -6 -r [2001:db8::99] -m
  -A -f 9 -o -p 9 -M 0.0.0.0`
  .replaceAll('[2001:db8::99]', '[2001:db8::99]:0')
  .trim();

/** Once what is ours is the same before and after, ipvsadm was asked about the same: time and traffic move some of it. */
async function expectSame(ours: () => Promise<string>, options: string, told = (text: string) => text): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const before = await ours();
    const theirs = told(ipvsadm(options));
    if (before === (await ours()) || attempt === 20) return expect(before).toBe(theirs);
  }
}

/** Connections as text in which no time passes: with many of them, each second brings another. */
function timeless(connections: string): string {
  return connections.replaceAll(/^(\w+) \d\d:\d\d /gm, '$1 mm:ss ');
}

describe('a table of every shape, with traffic through it', () => {
  beforeEach(async () => {
    sh(`ipvsadm -R <<'END'\n${typed}\nEND`);
    ipvsadm('--set 0 0 20');
    await sendTraffic();
  });

  // First: a server that goes and comes while a connection lasts may bring its last two seconds of counts with it.
  test('counters are there, of services and of servers', async () => {
    const table = await counted();
    const found = table.get(`UDP ${vip}:5060`);
    expect(found?.traffic).toMatchObject({ connections: 1, incomingPackets: 1 });
    expect(found?.servers.get('127.0.0.1:7000')).toMatchObject({ traffic: found?.traffic, rates: {} });
    expect(Object.keys(found?.rates ?? {})).toEqual(Object.keys(found?.traffic ?? {}));
  });

  test.each<[Layout, string]>([
    ['rows', ''],
    ['statistics', '--stats'],
    ['rates', '--rate'],
    ['thresholds', '--thresholds'],
    ['persistent', '--persistent-conn'],
    ['tunnels', '--tun-info'],
  ])('%s are listed as ipvsadm -L -n %s lists them', async (layout, option) => {
    const header = await kernel.info();
    const listing = async (isExact: boolean, isUnsorted: boolean) =>
      formatListing(await kernel.readStatistics(), { header, layout, isExact, isUnsorted });
    await expectSame(() => listing(false, false), `-L -n ${option}`);
    await expectSame(() => listing(true, true), `-L -n ${option} --exact --nosort`);
  });

  test('connections are listed as ipvsadm -L -n -c lists them', async () => {
    const listing = async (isPersistenceShown: boolean) =>
      formatConnections(readConnections(readFileSync(connectionsFile, 'utf8')), { isPersistenceShown });
    const lines = (await listing(true)).split('\n');
    expect(lines.find((line) => line.includes('call-1@client'))).toMatch(/^UDP 00:\d\d {2}NONE/);
    expect(lines.find((line) => line.includes('[2001:db8::]:0'))).toMatch(/^UDP 00:\d\d {2}NONE/);
    await expectSame(async () => timeless(await listing(false)), '-L -n -c', timeless);
    await expectSame(async () => timeless(await listing(true)), '-L -n -c --persistent-conn', timeless);
  });

  test('names are those that ipvsadm -L prints', async () => {
    const header = await kernel.info();
    const table = await kernel.read();
    const addresses = [...table.values()].flatMap(({ identity, servers }) => [
      ...(identity.kind === 'address' ? [identity.address] : []),
      ...[...servers.values()].map(({ address }) => address),
    ]);
    const names = await resolveNames(addresses);
    const listing = async () => formatListing(await kernel.read(), { header, names });
    expect(await listing()).toContain('localhost:http-alt');
    await expectSame(listing, '-L');
  });

  test('rules are saved as ipvsadm -S -n saves them', async () => {
    expect(formatRules(await kernel.read())).toBe(ipvsadm('-S -n'));
  });

  test('what either program saves, the other restores', async () => {
    const table = withoutCounters(await kernel.read());
    const [ours, theirs] = [formatRules(table, true), ipvsadm('-S -n')];
    ipvsadm('-C');
    sh(`ipvsadm -R <<'END'\n${ours}END`);
    expect(withoutCounters(await kernel.read())).toEqual(table);
    expect(linesOf(ipvsadm('-S -n'))).toEqual(linesOf(theirs));
    ipvsadm('-C');
    expect(await restore(theirs)).toEqual([]);
    expect(linesOf(ipvsadm('-S -n'))).toEqual(linesOf(theirs));
  });

  test('rules as they are typed mean to both programs the same', async () => {
    const table = withoutCounters(await kernel.read());
    ipvsadm('-C');
    expect(await restore(typed)).toEqual([]);
    expect(withoutCounters(await kernel.read())).toEqual(table);
  });

  test('a rule that the kernel refuses half way leaves everything as it was', async () => {
    const table = withoutCounters(await kernel.read());
    const { timeouts } = await kernel.readSettings();
    const rules = `--set 1 2 3\n-D -f 8\n-e -t ${vip}:80 -r 127.0.0.1:8080 -m -w 9\n-A -f 99\n-A -f 98 -s nonesuch\n`;
    expect(await restore(rules)).toEqual([{ line: 5, message: "the kernel has no scheduler 'nonesuch'" }]);
    expect(withoutCounters(await kernel.read())).toEqual(table);
    expect((await kernel.readSettings()).timeouts).toEqual(timeouts);
  });

  test('counters of one service are set to zero, and of all', async () => {
    await counted();
    expect(await kernel.zero({ kind: 'address', protocol: 'tcp', address: vip, port: 80 })).toBeUndefined();
    expect(connectionsIn(await kernel.read())).toEqual([0, 1]);
    expect(await kernel.zero()).toBeUndefined();
    expect(connectionsIn(await kernel.read())).toEqual([0, 0]);
    expect(await kernel.zero({ kind: 'fwmark', mark: 99, family: 'ipv4' })).toBe('ESRCH');
  });

  test('the table is emptied as ipvsadm -C does, which leaves timeouts alone', async () => {
    ipvsadm('--set 901 121 301');
    await kernel.flush();
    expect(ipvsadm('-S -n')).toBe('');
    expect(ipvsadm('-L --timeout')).toContain('901 121 301');
    ipvsadm('--set 900 120 300');
  });
});

test('every service with every server is saved, and restored from', async () => {
  const everything = serviceShapes.flatMap((shape, n) => {
    const identity = { kind: 'address', protocol: 'udp', address: `192.0.2.${n}`, port: 80 } as const;
    const row = service({ identity, ...shape });
    const network = serviceFamily(identity) === 'ipv6' ? '2001:db8::' : '10.9.0.';
    return [
      addService(row),
      ...serverShapes.map((one, i) => addServer(row, server({ address: `${network}${i + 1}`, ...one }))),
    ];
  });
  expect((await kernel.apply(everything)).filter(({ error }) => error)).toEqual([]);
  const table = withoutCounters(await kernel.read());
  expect(formatRules(table)).toBe(ipvsadm('-S -n'));
  const saved = formatRules(table, true);
  ipvsadm('-C');
  sh(`ipvsadm -R <<'END'\n${saved}END`);
  expect(withoutCounters(await kernel.read())).toEqual(table);
});

test('a mark beyond 2^31, and flags without a name, are saved so that both programs read them back', async () => {
  const rules = '-A -f 4294967295 -6 -s rr\n-A -t 192.0.2.1:80 -s sh -b sh-port,flag-3\n';
  expect(await restore(rules)).toEqual([]);
  const saved = formatRules(await kernel.read());
  expect(saved).toBe(rules);
  expect(ipvsadm('-S -n')).toContain('-A -f -1 -6 -s rr');
  ipvsadm('-C');
  sh(`ipvsadm -R <<'END'\n${saved}END`);
  expect(formatRules(await kernel.read())).toBe(saved);
  ipvsadm('-C');
  expect(await restore('-A -f -1 -6 -s rr')).toEqual([]);
  expect(ipvsadm('-S -n')).toBe('-A -f -1 -6 -s rr\n');
});

test('timeouts and daemons are listed as ipvsadm lists them', async () => {
  ipvsadm('--start-daemon master --mcast-interface lo --syncid 7');
  try {
    const { timeouts, daemons } = await kernel.readSettings();
    expect(formatTimeouts(timeouts)).toBe(ipvsadm('-L --timeout'));
    expect(formatDaemons(daemons)).toBe(ipvsadm('-L --daemon'));
    expect(daemons).toHaveLength(1);
  } finally {
    ipvsadm('--stop-daemon master');
  }
  expect(await restore('--start-daemon backup --mcast-interface lo --mcast-ttl 4 --sync-maxlen 1400')).toEqual([]);
  expect(formatDaemons((await kernel.readSettings()).daemons)).toBe(ipvsadm('-L --daemon'));
  expect(await restore('--stop-daemon backup')).toEqual([]);
  expect(ipvsadm('-L --daemon')).toBe('');
});

describe('the program', () => {
  test('restores what ipvsadm saved, lists, saves and clears it', async () => {
    sh(`ipvsadm -R <<'END'\n${typed}\nEND`);
    const saved = ipvsadm('-S -n');
    ipvsadm('-C');
    expect(lvsdTable(saved, 'restore')).toEqual({ status: 0, stdout: '', stderr: '' });
    await expectSame(() => listed('--tun-info'), '-L -n --tun-info');
    await expectSame(() => listed('--thresholds', '-t', `${vip}:80`), `-L -n --thresholds -t ${vip}:80`);
    const { stdout } = lvsdTable('', 'save');
    expect(stdout).toBe(ipvsadm('-S -n'));
    expect(linesOf(stdout)).toEqual(linesOf(saved));
    expect(lvsdTable('', 'zero', '-f', '8', '-6')).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(lvsdTable('', 'clear', '-f', '8', '-6')).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(ipvsadm('-S -n')).not.toContain('-f 8 -6');
    expect(lvsdTable('', 'clear', '-f', '8', '-6')).toEqual({
      status: 1,
      stdout: '',
      stderr: 'There is no service FWM 8 IPv6 in the table of the kernel\n',
    });
    expect(lvsdTable('', 'clear')).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(ipvsadm('-S -n')).toBe('');
  });

  test('a file with an error in line 400 changes nothing and names the line', async () => {
    ipvsadm('-A -f 7 -s rr');
    const lines = Array.from({ length: 500 }, (_, n) => `-A -f ${n + 1000} -s rr`);
    lines[399] = '-A -f 1399 -s rr -w 3';
    expect(lvsdTable(lines.join('\n'), 'restore')).toEqual({
      status: 65,
      stdout: '',
      stderr: 'line 400: option --weight does not go with --add-service\nNothing was changed\n',
    });
    lines[399] = '-A -f 7 -s rr';
    expect(lvsdTable(lines.join('\n'), 'restore')).toEqual({
      status: 65,
      stdout: '',
      stderr: 'line 400: service FWM 7 is in the table already\nNothing was changed\n',
    });
    expect(ipvsadm('-S -n')).toBe('-A -f 7 -s rr\n');
  });

  test('everything is a JSON document too', async () => {
    ipvsadm('-A -f 7 -s rr -p 60');
    const { status, stdout } = lvsdTable('', 'list', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      schema_version: 1,
      ipvs: { version: '1.2.1', connection_table_size: 4096 },
      timeouts: { tcp_seconds: 900 },
      services: [{ fwmark: 7, scheduler: 'rr', persistence: { timeout_seconds: 60, prefix_length: 32 }, servers: [] }],
    });
  });
});

/** In no order: servers whose addresses go in circles are sorted by the order in which they were added, too. */
function linesOf(rules: string): readonly string[] {
  return rules.split('\n').sort();
}

/** The table once the kernel has counted the traffic, of services and of servers: it adds up every two seconds. */
function counted(): Promise<Table> {
  const isCounted = (table: Table) =>
    connectionsIn(table).every((connections) => connections === 1) &&
    [...(table.get(`UDP ${vip}:5060`)?.servers.values() ?? [])].every(({ traffic }) => traffic?.connections);
  return until(() => kernel.readStatistics(), isCounted);
}

function connectionsIn(table: Table): readonly (number | undefined)[] {
  return [`TCP ${vip}:80`, `UDP ${vip}:5060`].map((key) => table.get(key)?.traffic?.connections);
}

/** What is wrong with the rules, by the plan or by the kernel. */
async function restore(text: string) {
  const { rules, issues } = parseRules(text, { host: () => undefined, port: () => undefined });
  if (issues.length > 0) return issues;
  const before = { table: await kernel.read(), settings: await kernel.readSettings() };
  const plan = planRestore(rules, before);
  return plan.issues.length > 0 ? plan.issues : (await applyPlan(kernel, plan, before)).issues;
}

/** One connection of TCP, one call of SIP and one packet of IPv6, all answered by this host or refused by it. */
async function sendTraffic(): Promise<void> {
  const sip = `INVITE sip:bob@${vip} SIP/2.0\r\nCall-ID: call-1@client\r\nContent-Length: 0\r\n\r\n`;
  await sendDatagram('udp4', vip, 5060, sip);
  await sendDatagram('udp6', vip6, 53, 'x');
  const listener = createServer((socket) => socket.end()).listen(8080, '127.0.0.1');
  await new Promise((resolve) => connect(80, vip).on('error', resolve).on('close', resolve).resume());
  await new Promise((resolve) => listener.close(resolve));
}

function sendDatagram(type: 'udp4' | 'udp6', address: string, port: number, text: string): Promise<void> {
  const socket = createSocket(type);
  return new Promise((resolve, reject) => {
    socket.send(text, port, address, (error) => {
      socket.close();
      error ? reject(error) : resolve();
    });
  });
}

async function listed(...options: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = lvsdTable('', 'list', ...options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

function lvsdTable(input: string, ...args: readonly string[]) {
  const program = join(process.env.LVSD_ROOT ?? join(__dirname, '../..'), 'dist/src/main.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'table', ...args], {
    input,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}
