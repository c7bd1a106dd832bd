import { expect, test } from '@jest/globals';
import type { Check, Service } from '../src/core/config.ts';
import { aConfig, aServer, aService } from './support/build.ts';
import { checkOf, createWorld, type World, type WorldOptions } from './support/world.ts';

const one = '10.0.0.1';
const two = '10.0.0.2';
const three = '10.0.0.3';
const timing = { intervalMs: 5000, retryIntervalMs: 200, fall: 2, isWatched: true };

function server(address: string, changes: Partial<Check> = {}) {
  return aServer(address, { checks: [checkOf(address, { ...timing, ...changes })] });
}

function web(changes: Partial<Service> = {}): Service {
  return aService({ servers: [server(one), server(two)], ...changes });
}

/** A world whose agent has seen every server, half a second after its start: the next runs are at 5500 ms. */
async function started(options: WorldOptions): Promise<World> {
  const world = createWorld(options);
  const ready = world.agent.start();
  await world.clock.settle();
  await ready;
  await world.clock.advance(500);
  world.news();
  return world;
}

/** The process of a server is gone: its connections are reset and it takes no others. */
function kill({ set, connections }: World, ...addresses: readonly string[]): void {
  for (const address of addresses) set(address, 'refused');
  for (const address of addresses) connections.end(address, 'ECONNRESET');
}

test('a watched server that dies leaves one retry interval later, one that is not watched in its turn', async () => {
  const service = web({ servers: [server(one), server(two, { isWatched: false }), server(three)] });
  const world = await started({ config: aConfig([service]) });
  expect(world.connections.held()).toEqual([one, three]);
  await world.clock.advance(1000);
  kill(world, one, two);
  await world.clock.advance(199);
  expect(world.rows()).toEqual(['10.0.0.1 w1', '10.0.0.2 w1', '10.0.0.3 w1']);
  await world.clock.advance(1);
  expect(world.rows()).toEqual(['10.0.0.2 w1', '10.0.0.3 w1']);
  expect(world.runs.get(one)).toEqual([500, 1500, 1700]);
  await world.clock.advance(4000);
  expect(world.rows()).toEqual(['10.0.0.3 w1']);
  expect(world.runs.get(two)).toEqual([500, 2500, 2700]);
});

test('a server that is back is watched again, and its check keeps its turns', async () => {
  const world = await started({ config: aConfig([web()]) });
  await world.clock.advance(1000);
  kill(world, one);
  await world.clock.advance(2000);
  world.set(one, 'ok');
  await world.clock.advance(5000);
  expect(world.runs.get(one)).toEqual([500, 1500, 1700, 2500, 7500, 7700]);
  expect(world.news()).toEqual(['web 10.0.0.1 up>down', 'web 10.0.0.1 down>up']);
  expect(world.connections.held()).toEqual([one, two]);
  kill(world, one);
  await world.clock.advance(200);
  expect(world.rows()).toEqual(['10.0.0.2 w1']);
});

test('a server that has started anew by the time of the run stays, and is watched again', async () => {
  const world = await started({ config: aConfig([web()]) });
  await world.clock.advance(6000);
  world.connections.end(one);
  await world.clock.advance(1000);
  expect(world.runs.get(one)).toEqual([500, 2500, 6500, 7500]);
  expect(world.connections.held()).toEqual([one, two]);
  expect(world.news()).toEqual([]);
});

test('a server that closes what is idle for a minute is run once more in an hour, and stays', async () => {
  const world = await started({ config: aConfig([web()]) });
  for (let minute = 0; minute < 60; minute += 1) {
    await world.clock.advance(60_000);
    world.connections.end(one);
    await world.clock.settle();
  }
  expect(world.runs.get(one)).toHaveLength((world.runs.get(two)?.length ?? 0) + 1);
  expect(world.connections.held()).toEqual([one, two]);
  expect(world.news()).toEqual([]);
});

test('a check that two services share has one connection, and its end moves both', async () => {
  const mail = web({ name: 'mail', identity: { kind: 'fwmark', mark: 8, family: 'ipv4' } });
  const world = await started({ config: aConfig([web(), mail]) });
  expect(world.connections.asked(one)).toBe(1);
  await world.clock.advance(1000);
  kill(world, one);
  await world.clock.advance(200);
  expect([world.rows(), world.rows('FWM 8')]).toEqual([['10.0.0.2 w1'], ['10.0.0.2 w1']]);
  expect(world.runs.get(one)).toEqual([500, 1500, 1700]);
});

test('a reload keeps the connections of checks that stay and gives up those of others', async () => {
  const world = await started({ config: aConfig([web()]) });
  world.agent.reload(aConfig([web({ scheduler: 'rr', servers: [server(one), server(two, { isWatched: false })] })]));
  await world.clock.advance(10_000);
  expect(world.connections.held()).toEqual([one]);
  expect(world.connections.asked(one)).toBe(1);
});

test('a server in maintenance is watched as its check goes on', async () => {
  const window = {
    servers: [{ address: one, port: undefined }],
    schedule: '* * * * *',
    durationMs: 600_000,
    timezone: undefined,
    action: 'maintenance',
  } as const;
  const world = await started({ config: aConfig([web()], { maintenance: [window] }) });
  await world.clock.advance(61_000);
  expect(world.rows()).toEqual(['10.0.0.2 w1']);
  expect(world.connections.held()).toEqual([one, two]);
  kill(world, one);
  await world.clock.advance(200);
  expect(world.agent.snapshot().services[0]?.servers[0]).toMatchObject({ health: 'down', state: 'maintenance' });
});

test('ends that this process sees together after a stall of its own take no healthy server down', async () => {
  const world = await started({ config: aConfig([web()]) });
  world.clock.stall(3_600_000);
  for (const address of [one, two]) world.connections.end(address, 'ETIMEDOUT');
  await world.clock.advance(10_000);
  expect(world.news()).toEqual([]);
  expect(world.connections.held()).toEqual([one, two]);
});

test('500 servers that die at once are all run at once, and later in the turns that they had', async () => {
  const addresses = Array.from({ length: 500 }, (_, index) => `10.1.${index >> 8}.${index & 255}`);
  const servers = addresses.map((address) => server(address));
  let draws = 0;
  const config = aConfig([web({ servers, failOpen: { when: 'never' } })]);
  const world = await started({ config, random: () => (draws++ % 500) / 500 });
  // The first runs come within a second, those after them each in its own turn.
  await world.clock.advance(10_000);
  const lastRuns = () => addresses.map((address) => world.runs.get(address)?.at(-1) ?? 0);
  const turns = lastRuns().map((atMs) => atMs % 5000);
  expect(new Set(turns).size).toBeGreaterThan(10);
  kill(world, ...addresses);
  await world.clock.advance(200);
  expect(world.rows()).toEqual([]);
  for (const address of addresses) expect(world.runs.get(address)?.slice(-2)).toEqual([10_500, 10_700]);
  await world.clock.advance(5000);
  expect(lastRuns().map((atMs) => atMs % 5000)).toEqual(turns);
});

test('the agent says how many checks it cannot watch, and gives up all connections when it stops', async () => {
  const world = await started({ config: aConfig([web()]), connectionLimit: 1 });
  expect(world.events).toContainEqual({
    type: 'agent_warning',
    code: 'EMFILE',
    message: 'Cannot watch 1 of the checks: 1 descriptors, half of all, are in use for it',
  });
  expect(world.connections.held()).toEqual([one]);
  await world.agent.stop('SIGTERM');
  expect(world.connections.held()).toEqual([]);
});
