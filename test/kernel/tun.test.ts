import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { answersIn, configFile, expectInHandbook, show, watch } from './support/handbook.ts';
import { fetchFrom, runOn, sh } from './support/netns.ts';
import { prepareDirector, prepareServer, undoServer } from './support/preparation.ts';
import { openSite, type Site, sentBytes } from './support/site.ts';

const vip = '172.16.100.100';
const yaml = readFileSync(configFile('tun.yaml'), 'utf8');

let site: Site;

beforeAll(async () => {
  site = await openSite(['far1', 'far2']);
  await Promise.all([prepareDirector(yaml), prepareServers()]);
});

beforeEach(() => site.clear());

afterAll(() => site.close());

test('the configuration becomes the table', async () => {
  await site.apply(yaml);
  expectInHandbook('tun-table', show(site.director, 'ipvsadm -L -n'));
});

test('a packet is wrapped in another to the server, and the answer goes to the client by itself', async () => {
  await site.apply(yaml);
  const plain = "'tcp[tcpflags] & tcp-syn != 0'";
  // The flags of the TCP header inside: behind two headers of IP without options.
  const either = "'(tcp[tcpflags] & tcp-syn != 0) or (ip proto 4 and ip[53] & 2 != 0)'";
  const { host } = site.server('far2');
  const walk = await Promise.all([
    watch(site.director, `-tnq -i eth0 -c 2 ${either}`),
    watch(host, `-tnq -i eth0 -c 2 ${either}`),
    watch(host, `-tnq -i tunl0 -c 1 ${plain}`),
    watch(site.client, `-tnq -i eth0 -c 2 ${plain}`),
  ]);
  const shown = show(site.client, `curl -s --local-port 40003 http://${vip}/`);
  expect(answersIn(shown)).toEqual([host.address]);
  expectInHandbook('tun-walk', shown, ...(await Promise.all(walk.map((one) => one.seen()))));
});

test('connections go to servers in both networks', async () => {
  await site.apply(yaml.replace('scheduler: wlc', 'scheduler: rr'));
  const answers = [1, 2, 3, 4].map(() => fetchFrom(site.client, `http://${vip}/`));
  expect([...answers].sort()).toEqual(['10.0.1.10', '10.0.1.10', '10.0.2.11', '10.0.2.11']);
  expect(answers.slice(2)).toEqual(answers.slice(0, 2));
});

test('an answer costs the director nothing', async () => {
  await site.apply(yaml);
  const before = sentBytes();
  const size = 1_000_000;
  expect(runOn(site.client, 'curl', '-sf', '-m', '20', `http://${vip}/${size}`)).toHaveLength(size);
  expect(sentBytes() - before).toBeLessThan(size / 5);
});

test('a client learns that what it sends has less room in a tunnel', async () => {
  await site.apply(yaml);
  sh('head -c 300000 /dev/zero > /tmp/upload');
  const upload = runOn(site.client, 'curl', '-sf', '-m', '20', '--data-binary', '@/tmp/upload', `http://${vip}/`);
  expect(upload).toMatch(/^10\.0\.[12]\.1[01]\n$/);
  const shown = show(site.client, `ip route get ${vip} | grep -o 'mtu [0-9]*'`);
  expect(answersIn(shown)).toEqual(['mtu 1480']);
  expectInHandbook('tun-mtu', shown);
});

test('without their set-up servers take nothing out of a tunnel, and with it again they do', async () => {
  await site.apply(yaml);
  await Promise.all(site.servers.map(({ host }) => undoServer(host)));
  expect(() => runOn(site.client, 'curl', '-s', '-m', '1', `http://${vip}/`)).toThrow();
  await prepareServers();
  expect(fetchFrom(site.client, `http://${vip}/`)).toMatch(/^10\.0\.[12]\.1[01]$/);
});

async function prepareServers(): Promise<void> {
  await Promise.all(site.servers.map(({ host }) => prepareServer(host, [vip], 'tun')));
}
