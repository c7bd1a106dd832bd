import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from './support/agent.ts';
import { answersIn, configFile, expectInHandbook, show, watch } from './support/handbook.ts';
import { ipvsadm } from './support/ipvsadm.ts';
import { fetchFrom, runOn } from './support/netns.ts';
import { prepareDirector, prepareServer, undoServer } from './support/preparation.ts';
import { openSite, type Site, sentBytes } from './support/site.ts';

const vip = '172.16.100.100';
const vip6 = '2001:db8:100::100';
const yaml = readFileSync(configFile('dr.yaml'), 'utf8');
const yaml6 = `
  - name: web6
    address: "[${vip6}]:80"
    scheduler: rr
    forwarding: dr
    servers: ["2001:db8:100::10", "2001:db8:100::11"]
`;
const whoAnswers = `arping -b -w 2 -I eth0 ${vip} | grep -o '\\[.*\\]' | sort -u`;

let site: Site;

beforeAll(async () => {
  site = await openSite();
  await Promise.all([prepareDirector(yaml + yaml6), prepareServers()]);
});

beforeEach(() => site.clear());

afterAll(() => site.close());

test('the configuration becomes the table', async () => {
  await site.apply(yaml);
  expectInHandbook('dr-table', show(site.director, 'ipvsadm -L -n'));
});

test('only the address of the frame changes, and the answer goes to the client without the director', async () => {
  await site.apply(yaml);
  const filter = "'tcp[tcpflags] & tcp-syn != 0'";
  const { host } = site.server('real2');
  const walk = await Promise.all([
    watch(site.director, `-tnqe -i eth0 -c 2 ${filter}`),
    watch(host, `-tnqe -i eth0 -c 2 ${filter}`),
    watch(site.client, `-tnq -i eth0 -c 2 ${filter}`),
  ]);
  const shown = show(site.client, `curl -s --local-port 40002 http://${vip}/`);
  expect(answersIn(shown)).toEqual([host.address]);
  expectInHandbook('dr-walk', shown, ...(await Promise.all(walk.map((one) => one.seen()))));
});

test('an answer costs the director nothing', async () => {
  await site.apply(yaml);
  const before = sentBytes();
  const size = 1_000_000;
  const answer = runOn(site.client, 'curl', '-sf', '-m', '20', `http://${vip}/${size}`);
  expect(answer).toHaveLength(size);
  // Acknowledgements of the client pass through it.
  expect(sentBytes() - before).toBeLessThan(size / 5);
  // The kernel adds up every two seconds, and may do so amid the transfer.
  const counters = await until(
    () => ipvsadm('-L -n --stats --exact').split('\n')[3]?.trim().split(/\s+/).map(Number) ?? [],
    ([, , connections, incomingPackets = 0]) => connections === 1 && incomingPackets > 4,
  );
  const [, , , , outgoingPackets, , outgoingBytes] = counters;
  expect({ outgoingPackets, outgoingBytes }).toEqual({ outgoingPackets: 0, outgoingBytes: 0 });
});

test('connections go to each server by the table', async () => {
  await site.apply(yaml.replace('scheduler: wlc', 'scheduler: rr'));
  const answers = [1, 2, 3, 4].map(() => fetchFrom(site.client, `http://${vip}/`));
  expect(new Set(answers.slice(0, 2)).size).toBe(2);
  expect(answers.slice(2)).toEqual(answers.slice(0, 2));
});

test('IPv6 goes the same way, and no server answers for the address', async () => {
  await site.apply(yaml + yaml6);
  const answers = [1, 2].map(() => fetchFrom(site.client, `http://[${vip6}]/`));
  expect(answers.sort()).toEqual(['172.16.100.10', '172.16.100.11']);
  expect(runOn(site.router, 'ip', 'neigh', 'show', vip6)).toContain('lladdr 02:00:00:00:00:01 ');
});

test('a server says what it has been set up with', () => {
  const { host } = site.server('real1');
  expectInHandbook('realserver-status', show(host, `lvsd realserver status --vip ${vip}`));
});

test('a server that has been set up does not answer ARP for the address', () => {
  const shown = show(site.router, whoAnswers);
  expect(answersIn(shown)).toEqual(['[02:00:00:00:00:01]']);
  expectInHandbook('dr-arp', shown);
});

describe('without the set-up of the servers', () => {
  beforeAll(() => Promise.all(site.servers.map(({ host }) => undoServer(host))));

  test('they drop what they get', async () => {
    await site.apply(yaml);
    expect(() => runOn(site.client, 'curl', '-s', '-m', '1', `http://${vip}/`)).toThrow();
  });

  test('and with nothing but the address they answer ARP for it beside the director', () => {
    for (const { host } of site.servers) runOn(host, 'ip', 'addr', 'add', `${vip}/32`, 'dev', 'lo');
    const shown = show(site.router, whoAnswers);
    for (const { host } of site.servers) runOn(host, 'ip', 'addr', 'del', `${vip}/32`, 'dev', 'lo');
    expect(answersIn(shown)).toEqual(['[02:00:00:00:00:01]', '[02:00:00:00:00:0A]', '[02:00:00:00:00:0B]']);
    expectInHandbook('dr-arp-without', shown);
  });

  test('and with it again they answer', async () => {
    await prepareServers();
    await site.apply(yaml);
    expect(fetchFrom(site.client, `http://${vip}/`)).toMatch(/^172\.16\.100\.1[01]$/);
  });
});

async function prepareServers(): Promise<void> {
  await Promise.all(site.servers.map(({ host }) => prepareServer(host, [vip, vip6], 'dr')));
}
