import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { answersIn, configFile, expectInHandbook, show } from './support/handbook.ts';
import { sh } from './support/netns.ts';
import { prepareDirector, prepareServer } from './support/preparation.ts';
import { openSite, type Site } from './support/site.ts';

const vip = '172.16.100.100';
/** A second client: the same host by another address. */
const other = '192.0.2.201';

let site: Site;

beforeAll(async () => {
  site = await openSite(['real1', 'real2'], [80, 443, 8080]);
  await Promise.all([
    prepareDirector(readFileSync(configFile('pnmpp.yaml'), 'utf8')),
    ...site.servers.map(({ host }) => prepareServer(host, [vip], 'dr')),
  ]);
  sh(`ip -n ${site.client.name} addr add ${other}/24 dev eth0`);
});

beforeEach(() => site.clear());

afterAll(() => site.close());

test('PPC: a client stays on its server for one service, not across two', async () => {
  await open('ppc.yaml');
  expectInHandbook('ppc-table', show(site.director, 'ipvsadm -L -n'));
  const first = ask(site.client.address, 80, 80, 80);
  const second = ask(other, 80, 80, 80, 443, 443);
  const [mine, ...mineAgain] = answersIn(first);
  const [yours, ...yoursAgain] = answersIn(second);
  expect(yours).not.toBe(mine);
  expect(mineAgain).toEqual([mine, mine]);
  expect(yoursAgain).toEqual([yours, yours, mine, mine]);
  expectInHandbook('ppc', first, second);
});

test('PCC: port 0 keeps a client on its server across ports', async () => {
  await open('pcc.yaml');
  expectInHandbook('pcc-table', show(site.director, 'ipvsadm -L -n'));
  const first = ask(site.client.address, 80, 443, 8080);
  const second = ask(other, 8080, 443, 80);
  const [mine] = answersIn(first);
  const [yours] = answersIn(second);
  expect(yours).not.toBe(mine);
  expect(answersIn(first)).toEqual([mine, mine, mine]);
  expect(answersIn(second)).toEqual([yours, yours, yours]);
  expect([...templates()].sort()).toEqual([`192.0.2.200:0 ${mine}:0 true`, `${other}:0 ${yours}:0 true`]);
  expectInHandbook('pcc', first, second);
});

test('PNMPP: two ports of one mark are one service, and a third is none', async () => {
  await open('pnmpp.yaml');
  expectInHandbook('pnmpp-table', show(site.director, 'ipvsadm -L -n'));
  const first = ask(site.client.address, 80, 443, 80);
  const second = ask(other, 443, 80, 443);
  const [mine] = answersIn(first);
  const [yours] = answersIn(second);
  expect(yours).not.toBe(mine);
  expect(answersIn(first)).toEqual([mine, mine, mine]);
  expect(answersIn(second)).toEqual([yours, yours, yours]);
  // The servers listen on it, but nobody sends it on: the director itself refuses it.
  const refused = show(site.client, `curl -sS http://${vip}:8080/ 2>&1 || true`);
  expect(refused).toMatch(/port 8080 after \d+ ms: Couldn't connect to server/);
  expectInHandbook('pnmpp', first, second, refused.replace(/after \d+ ms/, 'after 1 ms'));
});

async function open(name: string): Promise<void> {
  await site.apply(readFileSync(configFile(name), 'utf8'));
}

/** Each port in turn, from an address of the client. */
function ask(from: string, ...ports: readonly number[]): string {
  return show(site.client, `for port in ${ports.join(' ')}; do curl -s --interface ${from} http://${vip}:$port/; done`);
}

/** What the kernel remembers of clients for port 0: for how long, and by whom each is served. */
function templates(): readonly string[] {
  const lines = sh('ipvsadm -L -n -c')
    .split('\n')
    .filter((line) => line.includes(` ${vip}:0 `));
  return lines.map((line) => {
    const [, expiry, , client, , server] = line.trim().split(/ +/);
    return `${client} ${server} ${/^(10:00|09:\d\d)$/.test(expiry ?? '')}`;
  });
}
