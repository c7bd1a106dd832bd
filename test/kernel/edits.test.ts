import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { parseConfig } from '../../src/config/load.ts';
import type { Service } from '../../src/core/config.ts';
import { diff } from '../../src/core/diff.ts';
import { type Op, serverKey, serverRow, serviceKey, serviceRow, type Table } from '../../src/core/table.ts';
import { createIpvsKernel, type IpvsKernel } from '../../src/kernel/ipvs.ts';
import { openConnection } from './support/connection.ts';
import { ipvsadm, savedRows } from './support/ipvsadm.ts';
import { openScene, type Scene, vip } from './support/scene.ts';
import { settings, webService } from './support/settings.ts';

type Keys = Readonly<Record<string, unknown>>;

let scene: Scene;
let kernel: IpvsKernel;

beforeAll(async () => {
  scene = await openScene();
  kernel = createIpvsKernel();
});

afterEach(() => void ipvsadm('-C'));

afterAll(async () => {
  await kernel.close();
  await scene.close();
});

/** Each change is made in place and undone in place, under a connection that lives on. */
const edits: readonly (readonly [what: string, service: Keys, servers: Keys, listed: RegExp])[] = [
  ['scheduler', { scheduler: 'rr' }, {}, /-s rr/],
  ['flags', { scheduler: { name: 'sh', flags: ['sh-port', 'sh-fallback'] } }, {}, /-s sh -b sh-fallback,sh-port/],
  ['persistence', { persistence: '600s' }, {}, /-s wrr -p 600/],
  ['netmask', { persistence: { timeout: '60s', netmask: '255.255.255.0' } }, {}, /-p 60 -M 255\.255\.255\.0/],
  ['weight', {}, { weight: 65_535 }, /-g -w 65535/],
  ['weight of none', {}, { weight: 0 }, /-g -w 0/],
  ['thresholds', {}, { upper_threshold: 2_147_483_647, lower_threshold: 1 }, /-g -w 1/],
  // A connection keeps the method that it was made with: ip_vs_bind_dest() copies it. New ones go by the new one.
  ['forwarding to nat', {}, { forwarding: 'nat' }, /-m -w 1/],
  ['forwarding to tun', {}, { forwarding: 'tun' }, /-i -w 1/],
  ['forwarding to a tunnel by UDP', {}, { forwarding: 'tun', tunnel: { type: 'gue', port: 6080 } }, /-i -w 1 .*gue/],
];

test('every edit is made in place, and a connection that is held lives on', async () => {
  const base = tableOf(web());
  await apply(base);
  const connection = await openConnection(scene.client, vip, 80);
  try {
    const answer = await connection.ask();
    for (const [what, service, server, listed] of edits) {
      const changed = tableOf(web(service, server));
      await expectEdits(what, changed);
      expect([what, savedRows().join('\n')]).toEqual([what, expect.stringMatching(listed)]);
      expect([what, await connection.ask()]).toEqual([what, answer]);
      await expectEdits(what, base);
      expect([what, await connection.ask()]).toEqual([what, answer]);
    }
  } finally {
    await connection.close();
  }
});

test('what is for UDP alone is edited in place', async () => {
  const plain = { address: `${vip}:5060`, protocol: 'udp', persistence: '60s' };
  await apply(tableOf(web(plain)));
  await expectEdits('one packet', tableOf(web({ ...plain, one_packet: true })));
  expect(savedRows()[0]).toBe(`-A -u ${vip}:5060 -s wrr -p 60 -o`);
  const engine = { persistence: { timeout: '60s', engine: 'sip' } };
  await expectEdits('engine', tableOf(web({ ...plain, ...engine, one_packet: true })));
  expect(savedRows()[0]).toContain('--pe sip');
  await expectEdits('none', tableOf(web(plain)));
  expect(savedRows()[0]).toBe(`-A -u ${vip}:5060 -s wrr -p 60`);
});

// The kernel looks up the tunnel of a server for each packet: connections follow at once (ip_vs_tunnel_xmit()).
test('tunnels are edited in place from each kind to each', async () => {
  const tunnels: readonly unknown[] = [
    'ipip',
    'gre',
    { type: 'gre', checksum: 'checksum' },
    { type: 'gue', port: 6080 },
    { type: 'gue', port: 6081, checksum: 'checksum' },
    { type: 'gue', port: 6081, checksum: 'remote' },
    'ipip',
  ];
  await apply(tableOf(web({}, { forwarding: 'tun', tunnel: 'gre' })));
  for (const tunnel of tunnels) {
    await expectEdits(JSON.stringify(tunnel), tableOf(web({}, { forwarding: 'tun', tunnel })));
  }
});

test('a service has servers of the other family by tunnel, and edits them in place', async () => {
  const servers = ['172.16.100.10', '2001:db8::10'];
  for (const address of ['[2001:db8::100]:80', `${vip}:80`]) {
    const mixed = (keys: Keys) =>
      webService({ address, forwarding: 'tun', servers: servers.map((one) => ({ address: one, ...keys })) });
    await apply(tableOf(mixed({})));
    await expectEdits(address, tableOf(mixed({ weight: 7, tunnel: { type: 'gue', port: 6080 } })));
    ipvsadm('-C');
  }
});

test.each(['rr', 'wrr', 'dh', 'sh', 'lc', 'wlc', 'sed', 'nq', 'lblc', 'lblcr', 'mh', 'fo', 'ovf'])(
  'scheduler %s is taken as it is configured',
  async (scheduler) => {
    await apply(tableOf(web({ scheduler })));
    expect(savedRows()[0]).toBe(`-A -t ${vip}:80 -s ${scheduler}`);
  },
);

function web(service: Keys = {}, server: Keys = {}): object {
  const servers = ['172.16.100.10', '172.16.100.11'].map((address) => ({ address, ...server }));
  return webService({ servers, ...service });
}

/** The table that a service of the file wants with all its servers up. */
function tableOf(service: object): Table {
  const { services } = parseConfig(settings([{ ...service, checks: [] }]), 'edits.json');
  return new Map(services.map((one) => [serviceKey(one.identity), { ...serviceRow(one), servers: rowsOf(one) }]));
}

function rowsOf({ servers }: Service) {
  return new Map(servers.map((server) => [serverKey(server), serverRow(server, server.weight)]));
}

/** Applies what differs, all of it, so that nothing differs any more. */
async function apply(wanted: Table): Promise<readonly Op[]> {
  const ops = diff(wanted, await kernel.read());
  expect((await kernel.apply(ops)).filter(({ error }) => error !== undefined)).toEqual([]);
  expect(diff(wanted, await kernel.read())).toEqual([]);
  return ops;
}

async function expectEdits(what: string, wanted: Table): Promise<void> {
  const kinds = new Set((await apply(wanted)).map(({ kind }) => kind.replace(/_.*/, '')));
  expect([what, ...kinds]).toEqual([what, 'edit']);
}
