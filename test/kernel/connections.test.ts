import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Agent, until } from './support/agent.ts';
import { type Connection, openConnection } from './support/connection.ts';
import { listTable } from './support/ipvsadm.ts';
import { announce, sh } from './support/netns.ts';
import { openScene, type Scene, web } from './support/scene.ts';
import { settings, webService } from './support/settings.ts';

const natVip = '10.99.0.100';
const natWeb = `TCP ${natVip}:80`;

let scene: Scene;
let agent: Agent;
/** One by direct routing, one by address translation. */
let connections: readonly Connection[];
let answers: readonly string[];

beforeAll(async () => {
  scene = await openScene();
  setUpTranslation();
  agent = await scene.startReady(configuration());
  connections = await Promise.all([
    openConnection(scene.client, '172.16.100.100', 80),
    openConnection(scene.client, natVip, 80),
  ]);
  answers = await askAll();
});

afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await scene.close();
});

test('both connections go by the table', () => {
  expect(answers).toEqual([
    expect.stringMatching(/^172\.16\.100\.1[01]$/),
    expect.stringMatching(/^172\.16\.100\.1[01]$/),
  ]);
  for (const name of [web, natWeb]) expect(activeOf(name)).toBe(1);
});

test.each<[what: string, act: () => Promise<unknown>]>([
  ['a change of weights', () => reload({ servers: ['172.16.100.10', { address: '172.16.100.11', weight: 5 }] })],
  ['a change of the scheduler', () => reload({ scheduler: 'rr' })],
  ['a reload without a change', () => reload({ scheduler: 'rr' })],
  ['a restart of the agent', () => restart('SIGTERM')],
  ['the death of the agent, and its start', () => restart('SIGKILL')],
])('both survive %s', async (_, act) => {
  await act();
  expect(await askAll()).toEqual(answers);
  for (const name of [web, natWeb]) expect(activeOf(name)).toBe(1);
});

test('the changes were made', () => {
  const schedulers = listTable().map(({ name, scheduler }) => [name, scheduler]);
  expect(Object.fromEntries(schedulers)).toEqual({ [web]: 'rr', [natWeb]: 'rr' });
});

function configuration(changes: Readonly<Record<string, unknown>> = {}): string {
  const nat = { name: 'nat', address: `${natVip}:80`, forwarding: 'nat' };
  return settings([webService(changes), webService({ ...nat, ...changes })]);
}

async function reload(changes: Readonly<Record<string, unknown>>): Promise<void> {
  const from = agent.log.length;
  const yaml = configuration(changes);
  agent.writeConfig(yaml);
  agent.signal('SIGHUP');
  await agent.event({ 'event.action': 'config_reloaded' }, { from });
  const wanted = JSON.parse(yaml).services;
  await until(listTable, (table) => wanted.every((service: Wanted) => isDone(service, table)));
}

interface Wanted {
  readonly address: string;
  readonly scheduler?: string;
  readonly servers: readonly (string | { readonly address: string; readonly weight: number })[];
}

/** Whether ipvsadm lists the service with the scheduler and weights that the configuration names. */
function isDone({ address, scheduler = 'wrr', servers }: Wanted, table: ReturnType<typeof listTable>): boolean {
  const listed = table.find(({ name }) => name === `TCP ${address}`);
  const weights = servers.map((server) => (typeof server === 'string' ? 1 : server.weight));
  return listed?.scheduler === scheduler && listed.servers.map(({ weight }) => weight).join() === weights.join();
}

async function restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  await agent.stop(signal);
  await askAll();
  agent = await scene.startReady(configuration({ scheduler: 'rr' }));
}

function askAll(): Promise<readonly string[]> {
  return Promise.all(connections.map((connection) => connection.ask()));
}

function activeOf(service: string): number {
  const servers = listTable().find(({ name }) => name === service)?.servers ?? [];
  return servers.reduce((sum, { active }) => sum + active, 0);
}

/** Answers must pass through the director: the client has an address in a network that the servers do not share. */
function setUpTranslation(): void {
  announce(natVip);
  sh(`ip addr add 10.99.0.1/24 dev lvsbr0
    ip -n ${scene.client.name} addr add 10.99.0.2/24 dev eth0
    sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.lvsbr0.send_redirects=0`);
}
