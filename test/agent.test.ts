import { afterEach, describe, expect, test } from '@jest/globals';
import type { Config, Service } from '../src/core/config.ts';
import { serviceKey } from '../src/core/table.ts';
import { KernelUnavailable } from '../src/kernel/kernel.ts';
import { isForbidden } from '../src/net/echo-socket.ts';
import { engine, preferNode } from '../src/net/engine.ts';
import { ManualDeadline } from '../src/run/deadline.ts';
import { aConfig, aRow, aServer, aService, aServiceRow, aTable } from './support/build.ts';
import { type Behaviour, checkOf, createWorld, type World } from './support/world.ts';

const one = '10.0.0.1';
const two = '10.0.0.2';
const key = serviceKey(aServiceRow().identity);

function server(address: string, weight = 1) {
  return aServer(address, { weight, checks: [checkOf(address)] });
}

function web(changes: Partial<Service> = {}): Service {
  return aService({ servers: [server(one, 2), server(two)], ...changes });
}

const fallbackServers = [aServer('127.0.0.1', { checks: [] })];

/** A world whose agent has started and has seen every server, just now: the next run is an interval away. */
async function started(config: Config, behaviours: Record<string, Behaviour> = {}, table = aTable()): Promise<World> {
  const world = createWorld({ config, behaviours, table });
  await start(world);
  await world.clock.advance(500);
  world.news();
  return world;
}

async function start({ agent, clock }: World): Promise<void> {
  const ready = agent.start();
  await clock.settle();
  await ready;
}

describe('a server that fails', () => {
  test('leaves on the third failure in a row, found by quick retries, and comes back on the second pass', async () => {
    const world = await started(aConfig([web()]));
    expect(world.rows()).toEqual(['10.0.0.1 w2', '10.0.0.2 w1']);

    world.set(one, 'refused');
    await world.clock.advance(1000 + 2 * 200 - 1);
    expect(world.rows()).toEqual(['10.0.0.1 w2', '10.0.0.2 w1']);
    await world.clock.advance(1);
    expect(world.rows()).toEqual(['10.0.0.2 w1']);
    expect(world.news()).toEqual(['web 10.0.0.1 up>down']);

    world.set(one, 'ok');
    await world.clock.advance(1000 + 200);
    expect(world.rows()).toEqual(['10.0.0.1 w2', '10.0.0.2 w1']);
    expect(world.news()).toEqual(['web 10.0.0.1 down>up']);
  });

  test('one that never answers fails when its time is up', async () => {
    const world = await started(aConfig([web()]));
    world.set(one, 'silent');
    await world.clock.advance(1000 + 3 * 400 + 2 * 200);
    expect(world.rows()).toEqual(['10.0.0.2 w1']);
    expect(world.events.findLast(({ type }) => type === 'server_changed')).toMatchObject({
      observation: { reason: 'L4TOUT' },
      weightFrom: 2,
      weightTo: 0,
      serversUp: 1,
      serversTotal: 2,
    });
  });

  test('two failures and a pass change nothing', async () => {
    const world = await started(aConfig([web()]));
    world.set(one, 'refused');
    await world.clock.advance(1000 + 200);
    world.set(one, 'ok');
    await world.clock.advance(5000);
    expect(world.news()).toEqual([]);
  });

  test('stays at weight 0 with on_failure quiesce', async () => {
    const world = await started(aConfig([web({ onFailure: 'quiesce' })]), { [one]: 'ok' });
    world.set(one, 'refused');
    await world.clock.advance(3000);
    expect(world.rows()).toEqual(['10.0.0.1 w0', '10.0.0.2 w1']);
  });

  test('a fault of our own moves no health and is told', async () => {
    const world = await started(aConfig([web()]));
    world.set(one, 'broken');
    world.set(two, 'broken');
    await world.clock.advance(20_000);
    expect(world.news()).toEqual([]);
    expect(world.events.findLast(({ type }) => type === 'check_ran')).toMatchObject({
      result: { kind: 'inconclusive', inconclusive: { code: 'EMFILE' } },
    });
  });
});

describe('retry loops', () => {
  test('runs start one interval apart, and closer together while health is contested', async () => {
    const world = await started(aConfig([web()]));
    world.runs.clear();
    await world.clock.advance(2000);
    world.set(one, 'refused');
    await world.clock.advance(1500);
    expect(world.runs.get(one)).toEqual([1500, 2500, 3500, 3700, 3900]);
  });

  test('first runs are spread over an interval', async () => {
    let draws = 0;
    const random = () => draws++ / 10;
    const servers = Array.from({ length: 10 }, (_, index) => server(`10.0.1.${index}`));
    const world = createWorld({ config: aConfig([web({ servers })]), random });
    await start(world);
    await world.clock.advance(1000);
    const starts = [...world.runs.values()].map(([first = -1]) => first);
    expect(starts.sort((a, b) => a - b)).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
  });

  test('identical checks of one target are run once and shared by all services', async () => {
    const mail = web({ name: 'mail', identity: { kind: 'fwmark', mark: 8, family: 'ipv4' } });
    const world = await started(aConfig([web(), mail]));
    expect(world.runs.get(one)).toHaveLength(1);
    world.set(one, 'refused');
    await world.clock.advance(3000);
    expect(world.rows()).toEqual(['10.0.0.2 w1']);
    expect(world.rows('FWM 8')).toEqual(['10.0.0.2 w1']);
    expect(world.news()).toEqual(['web 10.0.0.1 up>down', 'mail 10.0.0.1 up>down']);
  });

  test('what leaves the configuration is released at once, and everything else at the stop', async () => {
    const world = await started(aConfig([web()]));
    world.agent.reload(aConfig([web({ onFailure: 'quiesce', servers: [server(two)] })]));
    await world.clock.settle();
    expect(world.released).toEqual([one]);
    await world.clock.advance(2000);
    const stopped = world.agent.stop('SIGTERM');
    await world.clock.settle();
    await stopped;
    expect(world.released).toEqual([one, two]);
  });

  test('a run that outlasts its interval delays the next instead of overlapping it', async () => {
    const slow = aServer(one, { checks: [checkOf(one, { timeoutMs: 2500, fall: 1 })] });
    const world = await started(aConfig([web({ servers: [slow] })]), { [one]: 'silent' });
    await world.clock.advance(6000);
    expect(world.runs.get(one)).toEqual([500, 3000, 5500]);
  });
});

describe('fallback and failing open', () => {
  test('the fallback comes before the last server leaves and leaves after the first is back', async () => {
    const world = await started(aConfig([web({ fallbackServers })]));
    world.set(one, 'refused');
    world.set(two, 'refused');
    await world.clock.advance(3000);
    expect(world.rows()).toEqual(['127.0.0.1 w1']);
    expect(world.news()).toEqual(['web 10.0.0.1 up>down', 'web 10.0.0.2 up>down', 'web down 0/2', 'web fallback on']);
    world.set(two, 'ok');
    await world.clock.advance(3000);
    expect(world.rows()).toEqual(['10.0.0.2 w1']);
    expect(world.news()).toEqual(['web 10.0.0.2 down>up', 'web up 1/2', 'web fallback off']);
  });

  test('without a fallback every server stays when all fail at once, until they recover', async () => {
    const world = await started(aConfig([web()]));
    world.set(one, 'silent');
    world.set(two, 'silent');
    await world.clock.advance(20_000);
    expect(world.rows()).toEqual(['10.0.0.1 w2', '10.0.0.2 w1']);
    expect(world.news()).toContain('web fail_open on');
    world.set(one, 'ok');
    await world.clock.advance(3000);
    expect(world.rows()).toEqual(['10.0.0.1 w2']);
    expect(world.news()).toContain('web fail_open off');
  });

  test('a fallback that is down by its own check is passed over', async () => {
    const checked = [aServer('127.0.0.1', { checks: [checkOf('127.0.0.1')] })];
    const world = await started(aConfig([web({ fallbackServers: checked })]), { '127.0.0.1': 'refused' });
    world.set(one, 'refused');
    world.set(two, 'refused');
    await world.clock.advance(3000);
    expect(world.rows()).toEqual(['10.0.0.1 w2', '10.0.0.2 w1']);
  });

  test('a service all of whose servers are down from the start is told to be down', async () => {
    const world = createWorld({ config: aConfig([web()]), behaviours: { [one]: 'refused', [two]: 'refused' } });
    await start(world);
    await world.clock.advance(1000);
    expect(world.news()).toContain('web down 0/2');
  });
});

describe('a check that learns nothing', () => {
  test.each([
    ['the fallback', [aServer('127.0.0.1', { checks: [] })], ['127.0.0.1 w1']],
    ['every server', [], ['10.0.0.1 w2', '10.0.0.2 w1']],
  ])('does not keep %s from standing in for the others', async (_name, fallbackServers, expected) => {
    const world = await started(aConfig([web({ fallbackServers })]), { [two]: 'broken' });
    expect(world.rows()).toEqual(['10.0.0.1 w2']);
    world.set(one, 'refused');
    await world.clock.advance(3000);
    expect(world.rows()).toEqual(expected);
    expect(world.news()).toContain('web down 0/2');
  });

  test('does not keep an adopted fallback beside servers that are up', async () => {
    const table = aTable([aServiceRow(), aRow('127.0.0.1')]);
    const world = await started(aConfig([web({ fallbackServers })]), { [two]: 'broken' }, table);
    expect(world.rows()).toEqual(['10.0.0.1 w2']);
  });
});

describe('a start', () => {
  const full = aTable([aServiceRow(), aRow(one, { weight: 2 }), aRow(two)]);

  test('adopts what serves: it takes as many failures to leave as ever', async () => {
    const world = createWorld({ config: aConfig([web()]), table: full, behaviours: { [one]: 'refused' } });
    await start(world);
    await world.clock.advance(500 + 200);
    expect(world.rows()).toEqual(['10.0.0.1 w2', '10.0.0.2 w1']);
    await world.clock.advance(200);
    expect(world.rows()).toEqual(['10.0.0.2 w1']);
  });

  test('over a table that it adopts does what is to be done in one run, which is that of the start', async () => {
    const table = aTable([aServiceRow(), aRow(one, { weight: 7 }), aRow(two)]);
    const world = createWorld({ config: aConfig([web()]), table });
    await start(world);
    expect(world.rows()).toEqual(['10.0.0.1 w2', '10.0.0.2 w1']);
    expect(world.events.flatMap((event) => (event.type === 'reconciled' ? [event.trigger] : []))).toEqual(['startup']);
  });

  test('with one dead and one healthy server: the dead one never appears, the healthy one never leaves', async () => {
    const table = aTable([aServiceRow(), aRow(two)]);
    const world = createWorld({ config: aConfig([web()]), table, behaviours: { [one]: 'refused' } });
    const seen = new Set<string>();
    const { apply } = world.kernel;
    world.kernel.apply = async (ops) => {
      const results = await apply(ops);
      seen.add(String(world.rows()));
      return results;
    };
    await start(world);
    for (let step = 0; step < 100; step++) {
      await world.clock.advance(50);
      seen.add(String(world.rows()));
    }
    expect([...seen]).toEqual(['10.0.0.2 w1']);
  });

  test('over an empty table lets each server in with its first pass', async () => {
    const world = createWorld({ config: aConfig([web()]), behaviours: { [two]: 'refused' } });
    await start(world);
    expect(world.rows()).toEqual([]);
    await world.clock.advance(1000);
    expect(world.rows()).toEqual(['10.0.0.1 w2']);
  });

  test('keeps what serves now, though it left the file, until a server of the file is up', async () => {
    const table = aTable([aServiceRow(), aRow('10.0.0.9')]);
    const world = createWorld({ config: aConfig([web()]), table });
    await start(world);
    expect(world.rows()).toEqual(['10.0.0.9 w1']);
    await world.clock.advance(1000);
    expect(world.rows()).toEqual(['10.0.0.1 w2', '10.0.0.2 w1']);
  });

  test('keeps the fallback that it finds until every server has been observed', async () => {
    const table = aTable([aServiceRow(), aRow('127.0.0.1')]);
    let draws = 0;
    const world = createWorld({
      config: aConfig([web({ fallbackServers })]),
      table,
      random: () => (draws++ === 0 ? 0.1 : 0.9),
    });
    await start(world);
    await world.clock.advance(500);
    expect(world.rows()).toEqual(['10.0.0.1 w2', '127.0.0.1 w1']);
    await world.clock.advance(500);
    expect(world.rows()).toEqual(['10.0.0.1 w2', '10.0.0.2 w1']);
  });

  test('changes nothing in a table that is right', async () => {
    const world = createWorld({ config: aConfig([web()]), table: full });
    await start(world);
    await world.clock.advance(10_000);
    expect(world.kernel.table).toBe(full);
    expect(world.news()).toEqual(['agent_started', 'agent_ready']);
  });

  test('is ready once every check has run and the table is written', async () => {
    const world = createWorld({ config: aConfig([web()]) });
    await start(world);
    expect(world.agent.snapshot().isReady).toBe(false);
    await world.clock.advance(1000);
    expect(world.agent.snapshot().isReady).toBe(true);
  });

  test('has one run of the reconciler at a time, though a run itself decides what asks for another', async () => {
    const late = aServer(two, { checks: [checkOf(two, { timeoutMs: 5 })] });
    const mail = web({ name: 'mail', identity: { kind: 'fwmark', mark: 8, family: 'ipv4' }, servers: [late] });
    const config = aConfig([web({ servers: [server(one)] }), mail]);
    // The last verdict comes while the judge rests from the one before: the run that makes the agent ready has it decide.
    const world = createWorld({ config, behaviours: { [two]: 'silent' } });
    const asked: string[][] = [];
    const { apply } = world.kernel;
    world.kernel.apply = async (ops) => {
      asked.push(ops.map(({ kind }) => kind));
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      return apply(ops);
    };
    const ready = world.agent.start();
    for (let turn = 0; turn < 5; turn++) await world.clock.settle();
    await ready;
    await world.clock.advance(505);
    for (let turn = 0; turn < 5; turn++) await world.clock.settle();
    expect(world.rows('FWM 8')).toEqual(['10.0.0.2 w1']);
    expect(asked).toEqual([['add_service', 'add_service'], ['add_server'], ['add_server']]);
  });

  test('removes a service that was ours and left the configuration meanwhile, and no other', async () => {
    const mine = aServiceRow({ identity: { kind: 'fwmark', mark: 1, family: 'ipv4' } });
    const foreign = aServiceRow({ identity: { kind: 'fwmark', mark: 2, family: 'ipv4' } });
    const table = aTable([mine, aRow(one)], [foreign, aRow(one)]);
    const world = createWorld({ config: aConfig([web()]), table, owned: ['FWM 1'] });
    await start(world);
    expect([...world.kernel.table.keys()].sort()).toEqual(['FWM 2', key]);
    expect([...world.ownership.owned()]).toEqual([key]);
  });

  test('fails when there is no IPVS', async () => {
    const world = createWorld({ config: aConfig([web()]) });
    world.kernel.failure = new KernelUnavailable('ENOENT', 'The kernel has no IPVS');
    await expect(world.agent.start()).rejects.toThrow('The kernel has no IPVS');
  });
});

describe('what somebody else does to the table', () => {
  const foreign = aServiceRow({ identity: { kind: 'fwmark', mark: 99, family: 'ipv4' } });

  test.each([
    ['cleared', aTable(), 'drift missing missing missing'],
    ['a changed weight', aTable([aServiceRow(), aRow(one, { weight: 9 }), aRow(two)]), 'drift different'],
    ['a deleted server', aTable([aServiceRow(), aRow(one, { weight: 2 })]), 'drift missing'],
    [
      'a changed scheduler',
      aTable([aServiceRow({ scheduler: 'rr' }), aRow(one, { weight: 2 }), aRow(two)]),
      'drift different',
    ],
    ['a foreign server', aTable([aServiceRow(), aRow(one, { weight: 2 }), aRow(two), aRow('10.0.0.9')]), 'drift extra'],
  ])('%s is repaired within an interval, and a foreign service is not touched', async (_name, edited, drift) => {
    const world = await started(aConfig([web()]));
    world.kernel.table = new Map([...edited, ...aTable([foreign, aRow(one)])]);
    await world.clock.advance(5000);
    expect(world.rows()).toEqual(['10.0.0.1 w2', '10.0.0.2 w1']);
    expect(world.kernel.table.get(key)?.scheduler).toBe('wlc');
    expect(world.rows('FWM 99')).toEqual(['10.0.0.1 w1']);
    expect(world.news()).toEqual([drift]);
  });

  const rarely = { agent: { ...aConfig().agent, reconcileIntervalMs: 60_000 } };

  test('a transition is written to what we left there; then the table is read, and what others did is repaired', async () => {
    const world = await started(aConfig([web()], rarely));
    await world.clock.advance(2000);
    const calls: string[] = [];
    const { read, apply } = world.kernel;
    world.kernel.read = () => {
      calls.push('read');
      return read();
    };
    world.kernel.apply = (ops) => {
      calls.push(...ops.map(({ kind }) => kind));
      return apply(ops);
    };
    world.set(two, 'refused');
    world.kernel.table = aTable([aServiceRow(), aRow(one, { weight: 9 }), aRow(two)]);
    await world.clock.advance(6500);
    expect(calls).toEqual(['del_server', 'read', 'edit_server']);
    expect(world.rows()).toEqual(['10.0.0.1 w2']);
  });

  test('where a transition meets what others did, the table is read and repaired at once', async () => {
    const world = await started(aConfig([web()], rarely));
    await world.clock.advance(2000);
    world.kernel.table = new Map();
    world.set(two, 'refused');
    const seen: unknown[] = [];
    const { read } = world.kernel;
    world.kernel.read = () => {
      seen.push(world.rows());
      return read();
    };
    await world.clock.advance(6500);
    expect(seen[0]).toBeUndefined();
    expect(seen[1]).toEqual(['10.0.0.1 w2']);
    expect(world.news()).toEqual(['web 10.0.0.2 up>down', 'drift missing missing missing']);
  });

  test('with on_drift report it is told once and left, while transitions still reach the table', async () => {
    const config = aConfig([web()]);
    const world = await started({ ...config, agent: { ...config.agent, onDrift: 'report' } });
    world.kernel.table = aTable([aServiceRow(), aRow(one, { weight: 9 }), aRow(two)]);
    await world.clock.advance(15_000);
    expect(world.rows()).toEqual(['10.0.0.1 w9', '10.0.0.2 w1']);
    world.set(two, 'refused');
    await world.clock.advance(3000);
    expect(world.rows()).toEqual(['10.0.0.1 w9']);
    expect(world.news()).toEqual(['drift different reported', 'web 10.0.0.2 up>down']);
  });

  test('with on_drift report a cleared table stays so, and a failed read does not make it a repair', async () => {
    const config = aConfig([web()]);
    const world = await started({ ...config, agent: { ...config.agent, onDrift: 'report' } });
    world.kernel.table = aTable();
    await world.clock.advance(6000);
    world.kernel.failure = new KernelUnavailable('EINTR', 'The table changed');
    world.set(two, 'refused');
    await world.clock.advance(6000);
    world.kernel.failure = undefined;
    await world.clock.advance(6000);
    expect(world.kernel.table.size).toBe(0);
    const refused = world.events.filter((event) => event.type === 'reconciled' && event.results.length > 0);
    expect(refused).toHaveLength(2);
  });

  test('while IPVS is away it is asked for once a second, whatever was refused before', async () => {
    const world = await started(aConfig([web({ scheduler: 'nosuch' })]));
    let reads = 0;
    world.kernel.read = async () => {
      reads += 1;
      throw new KernelUnavailable('ENOENT', 'The kernel has no IPVS');
    };
    await world.clock.advance(20_000);
    expect(reads).toBeGreaterThan(15);
    expect(reads).toBeLessThan(25);
  });

  test('a stand-in that the kernel refuses does not cost the last server its row', async () => {
    const world = await started(aConfig([web({ fallbackServers })]));
    const { apply } = world.kernel;
    world.kernel.apply = async (ops) => {
      const isFallback = (op: (typeof ops)[number]) => op.kind === 'add_server' && op.server.address === '127.0.0.1';
      const rest = await apply(ops.filter((op) => !isFallback(op)));
      return [...rest, ...ops.filter(isFallback).map((op) => ({ op, error: 'EINVAL' }))];
    };
    world.set(one, 'refused');
    world.set(two, 'refused');
    await world.clock.advance(10_000);
    expect(world.rows()).not.toEqual([]);
  });

  test('what was refused once and is withheld now does not make the agent spin', async () => {
    const world = await started(aConfig([web({ fallbackServers })]));
    let reads = 0;
    const { apply, read } = world.kernel;
    world.kernel.read = async () => {
      reads += 1;
      return read();
    };
    world.kernel.apply = async (ops) => {
      const isRefused = (op: (typeof ops)[number]) =>
        op.kind === 'del_server' || (op.kind === 'add_server' && op.server.address === '127.0.0.1');
      const rest = await apply(ops.filter((op) => !isRefused(op)));
      return [...rest, ...ops.filter(isRefused).map((op) => ({ op, error: 'EINVAL' }))];
    };
    world.set(one, 'refused');
    await world.clock.advance(5000);
    world.set(two, 'refused');
    await world.clock.advance(55_000);
    expect(reads).toBeLessThan(60);
  });

  test('the loss of IPVS is told once; probing goes on and the table is rebuilt when it is back', async () => {
    const world = await started(aConfig([web()]));
    await world.clock.advance(1000);
    world.kernel.failure = new KernelUnavailable('ENOENT', 'The kernel has no IPVS');
    world.set(one, 'refused');
    await world.clock.advance(20_000);
    expect(world.news()).toEqual(['web 10.0.0.1 up>down', 'ipvs_unreachable']);
    expect(world.agent.snapshot().isIpvsUp).toBe(false);
    world.kernel.failure = undefined;
    world.kernel.table = aTable();
    await world.clock.advance(5000);
    expect(world.rows()).toEqual(['10.0.0.2 w1']);
    expect(world.news()).toEqual(['ipvs_recovered']);
    expect(world.agent.snapshot().isIpvsUp).toBe(true);
  });

  test('a refused op is retried ever less often, and the others go on', async () => {
    const broken = web({
      name: 'broken',
      identity: { kind: 'fwmark', mark: 7, family: 'ipv4' },
      scheduler: 'nosuch',
      servers: [],
    });
    const world = createWorld({ config: aConfig([web(), broken]) });
    await start(world);
    await world.clock.advance(10_000);
    expect(world.rows()).toEqual(['10.0.0.1 w2', '10.0.0.2 w1']);
    const runs = world.events.flatMap((event) => (event.type === 'reconciled' ? [event] : []));
    const refused = runs.flatMap(({ results }) => results).filter(({ error }) => error === 'ENOENT');
    expect(refused).toHaveLength(4);
    expect(runs.map(({ isOk }) => isOk)).not.toContain(true);
    expect(world.agent.snapshot().isReady).toBe(false);
  });
});

describe('lateness of the agent', () => {
  test.each([5000, 20_000])('a stall of %i ms takes no server down', async (stallMs) => {
    const world = await started(aConfig([web()]));
    world.clock.stall(stallMs);
    await world.clock.advance(5000);
    expect(world.news()).toEqual([]);
  });

  test('a stall in the midst of a run does not charge the server for the time lost', async () => {
    const world = await started(aConfig([web({ servers: [aServer(one, { checks: [checkOf(one, { fall: 1 })] })] })]));
    world.set(one, 'silent');
    await world.clock.advance(1200);
    world.clock.stall(3000);
    await world.clock.advance(399);
    expect(world.news()).toEqual([]);
  });

  test('a jump of the wall clock, a day ahead or back, changes nothing', async () => {
    const world = await started(aConfig([web()]));
    const dayMs = 86_400_000;
    world.clock.jump(dayMs);
    await world.clock.advance(5000);
    world.clock.jump(-2 * dayMs);
    await world.clock.advance(5000);
    expect(world.news()).toEqual([]);
    expect(world.runs.get(one)).toHaveLength(11);
  });
});

describe('a reload', () => {
  test('lets the probes have their turn between its steps', async () => {
    const world = await started(aConfig([web()]));
    const seen: number[] = [];
    const look = () => {
      seen.push(world.events.filter(({ type }) => type === 'config_reloaded').length);
      world.clock.afterPoll(look);
    };
    const reloaded = world.agent.reload(aConfig([web({ servers: [server(one, 5), server(two)] })])).then(() => {
      world.clock.afterPoll = () => {};
    });
    world.clock.afterPoll(look);
    await world.clock.settle();
    await reloaded;
    expect(seen.filter((count) => count === 0).length).toBeGreaterThanOrEqual(4);
  });

  test('that changes one weight is one op and disturbs no check', async () => {
    const world = await started(aConfig([web()]));
    world.agent.reload(aConfig([web({ servers: [server(one, 5), server(two)] })]));
    await world.clock.advance(2000);
    expect(world.rows()).toEqual(['10.0.0.1 w5', '10.0.0.2 w1']);
    expect(world.events.flatMap((event) => (event.type === 'reconciled' ? event.results : []))).toHaveLength(4);
    expect(world.runs.get(one)).toEqual([500, 1500, 2500]);
    expect(world.news()).toEqual(['config_reloaded']);
  });

  test('of thousands of servers that changes one weight is one op, and every other check starts when it was to', async () => {
    let draws = 0;
    const addresses = Array.from({ length: 10_000 }, (_, index) => `10.1.${index >> 8}.${index & 0xff}`);
    const config = (changed?: string) =>
      aConfig(
        Array.from({ length: 20 }, (_, group) =>
          web({
            name: `web-${group}`,
            identity: { kind: 'fwmark', mark: group + 1, family: 'ipv4' },
            servers: addresses
              .slice(group * 500, (group + 1) * 500)
              .map((address) => server(address, address === changed ? 5 : 1)),
          }),
        ),
      );
    const world = createWorld({ config: config(), random: () => (draws++ % 97) / 97 });
    await start(world);
    await world.clock.advance(2000);
    const before = new Map(world.runs);
    const from = world.events.length;
    await world.clock.advance(25);
    void world.agent.reload(config(addresses[7_000]));
    await world.clock.advance(1000);
    const results = world.events.slice(from).flatMap((event) => (event.type === 'reconciled' ? event.results : []));
    expect(results).toEqual([
      { op: expect.objectContaining({ kind: 'edit_server', server: expect.objectContaining({ weight: 5 }) }) },
    ]);
    expect(world.rows('FWM 15')).toContain(`${addresses[7_000]} w5`);
    const disturbed = addresses.filter((address) => {
      const times = before.get(address) ?? [];
      return String(world.runs.get(address)) !== String([...times, (times.at(-1) ?? 0) + 1000]);
    });
    expect(disturbed).toEqual([]);
    expect(world.released).toEqual([]);
  });

  test('keeps the health of a server whose check changed until the new check has decided', async () => {
    const world = await started(aConfig([web()]), { [one]: 'refused' });
    const changed = aServer(one, { weight: 2, checks: [checkOf(one, { timeoutMs: 300 })] });
    world.agent.reload(aConfig([web({ servers: [changed, server(two)] })]));
    world.set(one, 'ok');
    await world.clock.advance(500);
    expect(world.rows()).toEqual(['10.0.0.2 w1']);
    await world.clock.advance(200);
    expect(world.rows()).toEqual(['10.0.0.1 w2', '10.0.0.2 w1']);
  });

  test('takes out a server that left the file, and lets in a new one with its first pass', async () => {
    const world = await started(aConfig([web()]));
    world.agent.reload(aConfig([web({ servers: [server(two), server('10.0.0.3')] })]));
    await world.clock.settle();
    expect(world.rows()).toEqual(['10.0.0.2 w1']);
    await world.clock.advance(1000);
    expect(world.rows()).toEqual(['10.0.0.2 w1', '10.0.0.3 w1']);
  });

  test('with on_failure quiesce lets the connections of a server that left the file end first', async () => {
    const world = await started(aConfig([web({ onFailure: 'quiesce' })]));
    const busy = connected(world, one, 3);
    world.kernel.table = busy;
    world.agent.reload(aConfig([web({ onFailure: 'quiesce', servers: [server(two)] })]));
    await world.clock.advance(10_000);
    expect(world.rows()).toEqual(['10.0.0.1 w0', '10.0.0.2 w1']);
    world.kernel.table = connected(world, one, 0);
    await world.clock.advance(5000);
    expect(world.rows()).toEqual(['10.0.0.2 w1']);
    expect(world.news()).toEqual(['config_reloaded', 'web 10.0.0.1:80 drained']);
  });

  test('that adds a server empties nothing while the service fails open or its fallback stands in', async () => {
    for (const fallbackServers of [[], [aServer('127.0.0.1', { checks: [] })]]) {
      const world = await started(aConfig([web({ fallbackServers })]), { [one]: 'refused', [two]: 'refused' });
      const served = world.rows();
      world.set('10.0.0.3', 'broken');
      world.agent.reload(
        aConfig([web({ fallbackServers, servers: [server(one, 2), server(two), server('10.0.0.3')] })]),
      );
      await world.clock.settle();
      expect(world.rows()).toEqual(expect.arrayContaining([...(served ?? ['?'])]));
      await world.clock.advance(2000);
      expect(world.rows()).toEqual(expect.arrayContaining([...(served ?? ['?'])]));
      expect(world.news()).toEqual(['config_reloaded']);
    }
  });

  test('that swaps the fallback while it stands in puts the new one in its place', async () => {
    const world = await started(aConfig([web({ fallbackServers })]), { [one]: 'refused', [two]: 'refused' });
    expect(world.rows()).toEqual(['127.0.0.1 w1']);
    const other = [aServer('127.0.0.2', { checks: [] })];
    world.agent.reload(aConfig([web({ fallbackServers: other, servers: [server(one, 2), server('10.0.0.3')] })]));
    await world.clock.settle();
    expect(world.rows()).toEqual(['127.0.0.2 w1']);
  });

  test.each([
    ['without', []],
    ['with', [aServer('127.0.0.1', { checks: [] })]],
  ])('that replaces every server of a service, %s a fallback, is no outage', async (_name, fallbackServers) => {
    const world = await started(aConfig([web({ fallbackServers })]));
    world.agent.reload(aConfig([web({ fallbackServers, servers: [server('10.0.0.3'), server('10.0.0.4')] })]));
    await world.clock.settle();
    expect(world.rows()).toEqual(['10.0.0.1 w2', '10.0.0.2 w1']);
    await world.clock.advance(1000);
    expect(world.rows()).toEqual(['10.0.0.3 w1', '10.0.0.4 w1']);
    expect(world.news()).toEqual(['config_reloaded', 'web 10.0.0.3 unknown>up', 'web 10.0.0.4 unknown>up']);
  });

  test('does not keep the fallback beside a server that is back', async () => {
    const world = await started(aConfig([web({ fallbackServers })]), { [one]: 'refused', [two]: 'refused' });
    const slow = aServer('10.0.0.3', { checks: [checkOf('10.0.0.3', { timeoutMs: 60_000 })] });
    world.set('10.0.0.3', 'silent');
    world.agent.reload(aConfig([web({ fallbackServers, servers: [server(one, 2), server(two), slow] })]));
    world.set(one, 'ok');
    await world.clock.advance(3000);
    expect(world.rows()).toEqual(['10.0.0.1 w2']);
  });

  test('of the same file keeps the health of checks that differ in their counts alone', async () => {
    const checks = [checkOf(one, { name: 'strict', fall: 1 }), checkOf(one, { name: 'patient', fall: 50 })];
    const config = () => aConfig([web({ servers: [aServer(one, { checks }), server(two)] })]);
    const world = await started(config());
    world.set(one, 'refused');
    await world.clock.advance(1000);
    expect(world.rows()).toEqual(['10.0.0.2 w1']);
    world.agent.reload(config());
    await world.clock.settle();
    expect(world.rows()).toEqual(['10.0.0.2 w1']);
  });

  test('before the agent is ready waits for no run that has been', async () => {
    const slow = [checkOf(one, { intervalMs: 600_000 })];
    const config = (weight: number) =>
      aConfig([web({ servers: [aServer(one, { checks: slow, weight }), aServer(two, { checks: [checkOf(two)] })] })]);
    let draws = 0;
    const world = createWorld({ config: config(1), random: () => (draws++ === 0 ? 0.1 : 0.9) });
    await start(world);
    await world.clock.advance(500);
    world.agent.reload(config(2));
    await world.clock.advance(1000);
    expect(world.agent.snapshot().isReady).toBe(true);
  });

  test('that renames a service tells nothing that did not change', async () => {
    const world = await started(aConfig([web({ fallbackServers })]), { [one]: 'refused', [two]: 'refused' });
    world.agent.reload(aConfig([web({ fallbackServers, name: 'site' })]));
    await world.clock.settle();
    expect(world.news()).toEqual(['config_reloaded']);
  });

  test('that changes one check of two keeps the health of each', async () => {
    const checks = (timeoutMs: number) => [checkOf(one), checkOf('10.0.0.66', { name: 'second', timeoutMs })];
    const config = (timeoutMs: number) => aConfig([web({ servers: [aServer(one, { checks: checks(timeoutMs) })] })]);
    const world = await started(config(400), { [one]: 'refused' });
    world.agent.reload(config(300));
    await world.clock.settle();
    const healths = world.agent.snapshot().services[0]?.servers[0]?.checks.map(({ health }) => health);
    expect(healths).toEqual(['down', 'up']);
  });

  test('removes a service that left the file', async () => {
    const mail = web({ name: 'mail', identity: { kind: 'fwmark', mark: 8, family: 'ipv4' } });
    const world = await started(aConfig([web(), mail]));
    world.agent.reload(aConfig([web()]));
    await world.clock.settle();
    expect([...world.kernel.table.keys()]).toEqual([key]);
  });

  test('that takes away the failing check brings the server back at once', async () => {
    const failing = checkOf('10.0.0.66', { name: 'second' });
    const both = aServer(one, { checks: [checkOf(one), failing] });
    const world = await started(aConfig([web({ servers: [both, server(two)] })]), { '10.0.0.66': 'refused' });
    expect(world.rows()).toEqual(['10.0.0.2 w1']);
    world.agent.reload(aConfig([web({ servers: [server(one), server(two)] })]));
    await world.clock.settle();
    expect(world.rows()).toEqual(['10.0.0.1 w1', '10.0.0.2 w1']);
    expect(world.news()).toEqual(['web 10.0.0.1 down>up', 'config_reloaded']);
  });

  test('of a bad file changes nothing but what is told', async () => {
    const world = await started(aConfig([web()]));
    const before = world.kernel.table;
    world.agent.rejectConfig(['lvsd.yaml:1:1: services: missing']);
    await world.clock.advance(5000);
    expect(world.kernel.table).toBe(before);
    expect(world.agent.snapshot().isConfigCurrent).toBe(false);
    expect(world.news()).toEqual(['config_rejected']);
  });
});

describe('maintenance windows', () => {
  const windowFor = (action: 'drain' | 'maintenance', schedule: string) => ({
    servers: [{ address: one, port: undefined }],
    schedule,
    durationMs: 60_000,
    timezone: 'UTC',
    action,
  });

  test('a window that opens takes its servers out and gives them back when it closes', async () => {
    const world = await started(aConfig([web()], { maintenance: [windowFor('maintenance', '1 12 * * *')] }));
    await world.clock.advance(58_000);
    expect(world.rows()).toEqual(['10.0.0.1 w2', '10.0.0.2 w1']);
    await world.clock.advance(2000);
    expect(world.rows()).toEqual(['10.0.0.2 w1']);
    await world.clock.advance(60_000);
    expect(world.rows()).toEqual(['10.0.0.1 w2', '10.0.0.2 w1']);
    expect(world.news()).toEqual(['web 10.0.0.1:80 free>maintenance', 'web 10.0.0.1:80 maintenance>free']);
  });

  test('one that is open at the start counts, and a drain keeps the server at weight 0', async () => {
    const world = createWorld({ config: aConfig([web()], { maintenance: [windowFor('drain', '0 12 * * *')] }) });
    await start(world);
    await world.clock.advance(1000);
    expect(world.rows()).toEqual(['10.0.0.1 w0', '10.0.0.2 w1']);
    expect(world.news()).toContain('web 10.0.0.1:80 free>drain');
  });

  test('maintenance is not overruled when every other server fails', async () => {
    const world = await started(aConfig([web()], { maintenance: [windowFor('maintenance', '0 12 * * *')] }));
    world.set(two, 'refused');
    await world.clock.advance(3000);
    expect(world.rows()).toEqual(['10.0.0.2 w1']);
  });
});

describe('a stop', () => {
  test('tells what was decided last, and does it', async () => {
    const fast = (address: string) => aServer(address, { checks: [checkOf(address, { fall: 1, timeoutMs: 5 })] });
    const mailIdentity = { kind: 'fwmark', mark: 8, family: 'ipv4' } as const;
    const never = { failOpen: { when: 'never' } } as const;
    const mail = web({ ...never, name: 'mail', identity: mailIdentity, servers: [fast(two)] });
    const config = aConfig([web({ ...never, servers: [fast(one)] }), mail]);
    const world = createWorld({ config });
    await start(world);
    await world.clock.advance(1000);
    world.news();
    world.set(one, 'refused');
    world.set(two, 'silent');
    // The second is decided for once the judge has rested from the first.
    await world.clock.advance(505);
    expect(world.news()).toEqual(['web 10.0.0.1 up>down', 'web down 0/1']);
    const stopped = world.agent.stop('SIGTERM');
    for (let turn = 0; turn < 5; turn++) await world.clock.settle();
    await stopped;
    expect(world.news()).toEqual(['agent_stopping', 'mail 10.0.0.2 up>down', 'mail down 0/1', 'agent_stopped']);
    expect([world.rows(), world.rows('FWM 8')]).toEqual([[], []]);
  });

  test('leaves the table as it is', async () => {
    const world = await started(aConfig([web()]));
    const before = world.kernel.table;
    await world.agent.stop('SIGTERM');
    expect(world.kernel.table).toBe(before);
    expect(world.news()).toEqual(['agent_stopping', 'agent_stopped']);
  });

  test('can be followed by the removal of our services, and no others', async () => {
    const world = await started(aConfig([web()]));
    const foreign = aServiceRow({ identity: { kind: 'fwmark', mark: 99, family: 'ipv4' } });
    world.kernel.table = new Map([...world.kernel.table, ...aTable([foreign])]);
    await world.agent.stop('SIGTERM');
    await world.agent.removeOurs();
    expect([...world.kernel.table.keys()]).toEqual(['FWM 99']);
    expect([...world.ownership.owned()]).toEqual([]);
  });

  test('keeps as ours what the kernel refuses to remove, and tells', async () => {
    const world = await started(aConfig([web()]));
    world.kernel.apply = async (ops) => ops.map((op) => ({ op, error: 'EBUSY' }));
    await world.agent.stop('SIGTERM');
    await world.agent.removeOurs();
    expect([...world.ownership.owned()]).toEqual([key]);
    expect(world.news()).toContain('agent_warning');
  });

  test('with a probe in flight ends at once, and leaves no timer', async () => {
    const world = await started(aConfig([web()]));
    world.set(one, 'silent');
    await world.clock.advance(1200);
    await world.agent.stop('SIGTERM');
    expect(world.clock.pending()).toBe(0);
    expect(world.news()).toEqual(['agent_stopping', 'agent_stopped']);
  });
});

describe('the snapshot', () => {
  afterEach(() => preferNode(false));

  test.each(['node', 'libc'] as const)('names the engine that was in use at the start: %s', (engine) => {
    preferNode(engine === 'node');
    const { agent } = createWorld({ config: aConfig([web()]) });
    preferNode(engine !== 'node');
    expect(agent.snapshot().engine).toBe(engine);
  });

  test('says why ICMP is not done by ourselves, for as long as it is not', async () => {
    const { agent } = createWorld({ config: aConfig([web()]) });
    expect(agent.snapshot().engineFault).toBeUndefined();
    // A mark needs CAP_NET_ADMIN, whoever may open such sockets.
    const echo = () => engine()?.echo('127.0.0.1', { mark: 7 }, new ManualDeadline());
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    await echo();
    if (isRoot) process.seteuid?.(0);
    expect(agent.snapshot().engineFault).toMatch(
      /^ICMP by the program ping: \w+: (permission denied|operation not permitted)$/,
    );
    const isRefused = isForbidden(await echo());
    expect(agent.snapshot().engineFault !== undefined).toBe(isRefused);
  });
});

test('a dry run tells each op once and applies none', async () => {
  const world = createWorld({ config: aConfig([web()]), isDryRun: true });
  await start(world);
  await world.clock.advance(20_000);
  expect(world.kernel.table.size).toBe(0);
  const planned = world.events.flatMap((event) => (event.type === 'op_planned' ? [event.op.kind] : []));
  expect(planned).toEqual(['add_service', 'add_server', 'add_server']);
});

test('settle waits for a verdict on every server and for the table that follows from it', async () => {
  const table = aTable([aServiceRow(), aRow(one, { weight: 2 })]);
  const world = createWorld({ config: aConfig([web()]), table, behaviours: { [one]: 'refused' } });
  await start(world);
  const settled = world.agent.settle();
  await world.clock.advance(2000);
  expect(await settled).toBe(true);
  expect(world.rows()).toEqual(['10.0.0.2 w1']);
});

/** The world's table, with so many connections to a server. */
function connected({ kernel }: World, address: string, active: number) {
  return new Map(
    [...kernel.table].map(([name, service]) => {
      const servers = [...service.servers].map(
        ([id, row]) =>
          [
            id,
            row.address === address ? { ...row, connections: { active, inactive: 0, persistent: 0 } } : row,
          ] as const,
      );
      return [name, { ...service, servers: new Map(servers) }];
    }),
  );
}
