import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { answersIn, configFile, expectInHandbook, show, watch } from './support/handbook.ts';
import { fetchFrom, runOn, sh } from './support/netns.ts';
import { prepareDirector } from './support/preparation.ts';
import { startRealServer } from './support/realserver.ts';
import { openSite, type Site, sentBytes, setGateway } from './support/site.ts';

const vip = '172.16.100.100';
const vip6 = '2001:db8:100::100';
const yaml = readFileSync(configFile('nat.yaml'), 'utf8');
const yaml6 = `
  - name: web6
    address: "[${vip6}]:80"
    scheduler: rr
    servers: ["[2001:db8:100::10]:8080", "[2001:db8:100::11]:8080"]
`;

let site: Site;

beforeAll(async () => {
  site = await openSite(['real1', 'real2'], [53, 8080]);
  await prepareDirector(yaml + yaml6);
  for (const { host } of site.servers) {
    setGateway(host, site.director.address);
    setGateway(host, '2001:db8:100::1');
  }
});

beforeEach(() => site.clear());

afterAll(() => site.close());

test('the configuration becomes the table', () => {
  expectInHandbook('nat-table', show(site.director, 'lvsd run --once -c config/nat.yaml'));
});

test('the director has what the configuration needs of it', () => {
  expectInHandbook('director-status', show(site.director, 'lvsd director status -c config/nat.yaml --interface eth0'));
});

test('with wrr and weights of three and one, connections are three to one', async () => {
  await site.apply(yaml);
  const shown = show(site.client, `for n in 1 2 3 4 5 6 7 8; do curl -s http://${vip}/; done`);
  expect([...answersIn(shown)].sort()).toEqual([...Array(6).fill('172.16.100.10'), ...Array(2).fill('172.16.100.11')]);
  expectInHandbook('nat-three-to-one', shown);
});

test('with rr connections alternate', async () => {
  await site.apply(yaml.replace('scheduler: wrr', 'scheduler: rr'));
  const shown = show(site.client, `for n in 1 2 3 4; do curl -s http://${vip}/; done`);
  const [first, second, ...rest] = answersIn(shown);
  expect([first, second].sort()).toEqual(['172.16.100.10', '172.16.100.11']);
  expect(rest).toEqual([first, second]);
  expectInHandbook('nat-alternates', shown);
});

test('addresses and the port are rewritten both ways, and the client sees only the virtual address', async () => {
  await site.apply(yaml);
  const filter = "'tcp[tcpflags] & tcp-syn != 0'";
  // The kernel keeps the server that was added last in front.
  const server = site.server('real2').host;
  const [all, ...walk] = await Promise.all([
    watch(site.client, "-tnq -i eth0 -c 8 'tcp'"),
    watch(site.client, `-tnq -i eth0 -c 2 ${filter}`),
    watch(site.director, `-tnq -i eth0 -c 4 ${filter}`),
    watch(server, `-tnq -i eth0 -c 2 ${filter}`),
  ]);
  const shown = show(site.client, `curl -s --local-port 40001 http://${vip}/`);
  expect(answersIn(shown)).toEqual([server.address]);
  const lines = (await all.seen()).split('\n').slice(1, -1);
  expect(lines).toHaveLength(8);
  for (const line of lines)
    expect(line).toMatch(
      /192\.0\.2\.200\.40001\b.* 172\.16\.100\.100\.80:|172\.16\.100\.100\.80 > 192\.0\.2\.200\.40001:/,
    );
  const walked = await Promise.all(walk.map((one) => one.seen()));
  expectInHandbook('nat-walk', shown, ...walked);
});

test('answers pass through the director', async () => {
  await site.apply(yaml);
  const before = sentBytes();
  runOn(site.client, 'curl', '-sf', '-m', '20', '-o', '/dev/null', `http://${vip}/1000000`);
  expect(sentBytes() - before).toBeGreaterThan(1_000_000);
});

test('IPv6 goes the same way, with the port mapped', async () => {
  await site.apply(yaml + yaml6);
  const answers = [1, 2].map(() => fetchFrom(site.client, `http://[${vip6}]/`));
  expect(answers.sort()).toEqual(['172.16.100.10', '172.16.100.11']);
});

test('datagrams of UDP are balanced by their source port, and answered from the virtual address', async () => {
  await site.apply(
    `{ version: 1, services: [{ name: dns, address: "${vip}:53", protocol: udp, scheduler: rr, servers: [172.16.100.10, 172.16.100.11], checks: [{ type: icmp }] }] }`,
  );
  // bash connects the socket: an answer from any other address does not reach it.
  const ask = `exec 3<>/dev/udp/${vip}/53; for n in 1 2; do echo >&3; timeout 5 head -n 1 <&3; done`;
  const [one, other] = [1, 2].map(() => runOn(site.client, 'bash', '-c', ask).split('\n').slice(0, 2));
  expect(new Set(one).size).toBe(1);
  expect(new Set(other).size).toBe(1);
  expect([one?.[0], other?.[0]].sort()).toEqual(['172.16.100.10', '172.16.100.11']);
});

test('a fallback server on the director itself stands in by direct routing', async () => {
  const sorry = await startRealServer(site.director);
  const fallback = '{ address: 127.0.0.1, forwarding: dr }';
  expect(yaml).toContain(`fallback_servers: [${fallback}]`);
  await site.apply(`{ version: 1, services: [{ name: web, address: "${vip}:80", servers: [${fallback}] }] }`);
  expect(fetchFrom(site.client, `http://${vip}/`)).toBe(site.director.address);
  await site.apply(`{ version: 1, services: [{ name: web, address: "${vip}:80", servers: ["127.0.0.1:80"] }] }`);
  expect(() => runOn(site.client, 'curl', '-s', '-m', '1', `http://${vip}/`)).toThrow();
  await sorry.stop();
});

test('a director that does not forward loses the answers', async () => {
  await site.apply(yaml);
  sh('sysctl -qw net.ipv4.ip_forward=0');
  try {
    expect(() => runOn(site.client, 'curl', '-s', '-m', '1', `http://${vip}/`)).toThrow();
  } finally {
    sh('sysctl -qw net.ipv4.ip_forward=1');
  }
  expect(fetchFrom(site.client, `http://${vip}/`)).toMatch(/^172\.16\.100\.1[01]$/);
});
