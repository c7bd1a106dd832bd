import { describe, expect, test } from '@jest/globals';
import type { Config } from '../../src/core/config.ts';
import { noSettings, type SyncDaemon, type Timeouts } from '../../src/core/settings.ts';
import { KernelUnavailable } from '../../src/kernel/kernel.ts';
import { aConfig, aServer, aService } from '../support/build.ts';
import { checkOf, createWorld, type World, type WorldOptions } from '../support/world.ts';

const master: SyncDaemon = {
  role: 'master',
  interface: 'eth0',
  syncId: 7,
  group: '224.0.0.81',
  port: 8848,
  ttl: 1,
  maxLength: 0,
};
const backup: SyncDaemon = { ...master, role: 'backup' };
/** As the kernel has it, which knows the MTU. */
const running = { ...master, maxLength: 1472 };
const started = (role: string, id = 7) =>
  `--start-daemon ${role} --mcast-interface eth0 --syncid ${id} --mcast-group 224.0.0.81 --mcast-port 8848 --mcast-ttl 1`;

function configWith(daemons: readonly SyncDaemon[], timeouts: Partial<Timeouts> = {}): Config {
  const service = aService({ servers: [aServer('10.0.0.1', { checks: [checkOf('10.0.0.1')] })] });
  return aConfig([service], { settings: { daemons, timeouts: { ...noSettings.timeouts, ...timeouts } } });
}

function reporting(config: Config): Config {
  return { ...config, agent: { ...config.agent, onDrift: 'report' } };
}

/** A world whose agent runs; `before` may change it first. */
async function begin(options: WorldOptions, before: (world: World) => void = () => {}): Promise<World> {
  const world = createWorld(options);
  before(world);
  const ready = world.agent.start();
  await world.clock.settle();
  await ready;
  await world.clock.advance(1500);
  return world;
}

function timeoutsOf({ kernel }: World): readonly number[] {
  const { tcpSeconds, tcpFinSeconds, udpSeconds } = kernel.settings.timeouts;
  return [tcpSeconds, tcpFinSeconds, udpSeconds];
}

/** Tells of settings alone. */
function settingNews(world: World): readonly string[] {
  return world.news().filter((line) => /^(--|drift|planned)/.test(line));
}

describe('a start', () => {
  test('sets what is named, and leaves the rest as the kernel has it', async () => {
    const config = configWith([master], { tcpSeconds: 1800 });
    const world = await begin({ config }, ({ kernel }) => {
      kernel.settings = { timeouts: { tcpSeconds: 1, tcpFinSeconds: 2, udpSeconds: 3 }, daemons: [backup] };
    });
    expect(timeoutsOf(world)).toEqual([1800, 2, 3]);
    expect(world.kernel.settings.daemons).toEqual([backup, running]);
    expect([...world.daemons.owned()]).toEqual(['master eth0 7']);
    expect(settingNews(world)).toEqual(['--set 1800 0 0: ok', `${started('master')}: ok`]);
    expect(world.agent.snapshot().isReady).toBe(true);
  });

  test('changes nothing that is as wanted', async () => {
    const world = await begin({ config: configWith([master], { udpSeconds: 300 }) }, ({ kernel }) => {
      kernel.settings = { ...kernel.settings, daemons: [running] };
    });
    await world.clock.advance(20_000);
    expect(settingNews(world)).toEqual([]);
  });

  test('does not so much as read the settings where none is named or ours', async () => {
    const world = createWorld({ config: configWith([]) });
    world.kernel.readSettings = async () => {
      throw new Error('Nobody was to read the settings');
    };
    const ready = world.agent.start();
    await world.clock.advance(20_000);
    await ready;
    expect(world.agent.snapshot().isReady).toBe(true);
  });

  test('stops a daemon that was ours and left the configuration meanwhile, and no other', async () => {
    const world = await begin({ config: configWith([]), ownedDaemons: ['backup eth0 7'] }, ({ kernel }) => {
      kernel.settings = { ...kernel.settings, daemons: [running, backup] };
    });
    expect(world.kernel.settings.daemons).toEqual([running]);
    expect([...world.daemons.owned()]).toEqual([]);
  });
});

describe('a reload', () => {
  test('stops a daemon that left, restarts one that changed, sets a timeout that came', async () => {
    const world = await begin({ config: configWith([master, backup]) });
    world.news();
    world.agent.reload(configWith([{ ...master, syncId: 8 }], { udpSeconds: 10 }));
    await world.clock.advance(100);
    expect(settingNews(world)).toEqual([
      '--set 0 0 10: ok',
      '--stop-daemon master: ok',
      '--stop-daemon backup: ok',
      `${started('master', 8)}: ok`,
    ]);
    expect([...world.daemons.owned()]).toEqual(['master eth0 8']);
  });

  test('that names a timeout no more leaves it as it is', async () => {
    const world = await begin({ config: configWith([], { tcpSeconds: 10 }) });
    world.agent.reload(configWith([]));
    await world.clock.advance(6000);
    expect(timeoutsOf(world)).toEqual([10, 120, 300]);
  });
});

describe('what somebody else does to the settings', () => {
  const config = configWith([master], { tcpSeconds: 1800 });
  const meddle = ({ kernel }: World) => {
    kernel.settings = { timeouts: { tcpSeconds: 5, tcpFinSeconds: 6, udpSeconds: 7 }, daemons: [] };
  };

  test('is repaired within an interval, as far as it is named, and told', async () => {
    const world = await begin({ config });
    world.news();
    meddle(world);
    await world.clock.advance(5000);
    expect(timeoutsOf(world)).toEqual([1800, 6, 7]);
    expect(world.kernel.settings.daemons).toEqual([running]);
    expect(settingNews(world)).toEqual(['--set 1800 0 0: ok', `${started('master')}: ok`, 'drift different missing']);
  });

  test('with on_drift report is told once and left, until the file wants otherwise', async () => {
    const world = await begin({ config: reporting(config) });
    world.news();
    meddle(world);
    await world.clock.advance(20_000);
    expect(timeoutsOf(world)).toEqual([5, 6, 7]);
    expect(settingNews(world)).toEqual(['drift different missing reported']);

    world.agent.reload(reporting(configWith([master], { tcpSeconds: 900 })));
    await world.clock.advance(20_000);
    expect(timeoutsOf(world)).toEqual([900, 6, 7]);
    expect(world.kernel.settings.daemons).toEqual([]);
    expect(settingNews(world)).toEqual(['--set 900 0 0: ok']);
  });

  test('a timeout that is not named, and a daemon of the other role, are no affair of ours', async () => {
    const world = await begin({ config });
    world.news();
    world.kernel.settings = {
      timeouts: { tcpSeconds: 1800, tcpFinSeconds: 6, udpSeconds: 7 },
      daemons: [...world.kernel.settings.daemons, backup],
    };
    await world.clock.advance(20_000);
    expect(timeoutsOf(world)).toEqual([1800, 6, 7]);
    expect(world.kernel.settings.daemons).toEqual([running, backup]);
    expect(settingNews(world)).toEqual([]);
  });
});

describe('what the kernel refuses', () => {
  const config = configWith([master], { tcpSeconds: 1800 });

  function refuse({ kernel }: World): () => void {
    const { applySettings } = kernel;
    kernel.applySettings = async (ops) => {
      const results = await applySettings(ops.filter(({ kind }) => kind !== 'start_daemon'));
      return [...results, ...ops.filter(({ kind }) => kind === 'start_daemon').map((op) => ({ op, error: 'ENODEV' }))];
    };
    return () => {
      kernel.applySettings = applySettings;
    };
  }

  test('is tried again ever less often; the rest is set, the table is kept, and the agent is not ready', async () => {
    const world = await begin({ config }, refuse);
    await world.clock.advance(20_000 - 1500);
    expect(timeoutsOf(world)).toEqual([1800, 120, 300]);
    expect(world.rows()).toEqual(['10.0.0.1 w1']);
    expect(world.agent.snapshot().isReady).toBe(false);
    const attempts = settingNews(world).filter((line) => line.endsWith('ENODEV'));
    expect(attempts).toHaveLength(5);
  });

  test('is done once it can be, and is no drift meanwhile', async () => {
    let allow = () => {};
    const world = await begin({ config: reporting(config) }, (made) => {
      allow = refuse(made);
    });
    await world.clock.advance(5000);
    world.news();
    allow();
    await world.clock.advance(10_000);
    expect(settingNews(world)).toEqual([`${started('master')}: ok`]);
    expect(world.agent.snapshot().isReady).toBe(true);
  });

  test('settings that cannot be read are told of, asked again, and no drift of its own', async () => {
    const world = await begin({ config });
    world.news();
    const { readSettings } = world.kernel;
    world.kernel.readSettings = async () => {
      throw new KernelUnavailable('EINTR', 'The kernel was interrupted');
    };
    await world.clock.advance(5000);
    world.kernel.readSettings = readSettings;
    world.kernel.settings = { ...world.kernel.settings, daemons: [] };
    expect(world.agent.snapshot().isIpvsUp).toBe(true);
    await world.clock.advance(5000);
    expect(world.news()).toEqual(['agent_warning', `${started('master')}: ok`]);
  });

  test('settings that cannot be read hide nothing that was done to the table', async () => {
    const world = await begin({ config });
    world.kernel.readSettings = async () => {
      throw new KernelUnavailable('EPERM', 'The kernel answered EPERM');
    };
    world.kernel.table = new Map();
    const from = world.events.length;
    await world.clock.advance(5000);
    const results = world.events.slice(from).flatMap((event) => (event.type === 'reconciled' ? event.results : []));
    expect(results.map(({ op, error }) => [op.kind, error])).toContainEqual(['add_service', undefined]);
  });
});

test('a dry run tells each change once, makes none, and takes nothing for its own', async () => {
  const world = await begin({ config: configWith([master], { udpSeconds: 10 }), isDryRun: true });
  await world.clock.advance(20_000);
  expect(settingNews(world)).toEqual(['planned --set 0 0 10', `planned ${started('master')}`]);
  expect(world.kernel.settings.daemons).toEqual([]);
  expect([...world.daemons.owned()]).toEqual([]);
});

describe('a stop', () => {
  test('leaves daemons running, and their removal stops those that are ours', async () => {
    const world = await begin({ config: configWith([master]) });
    world.kernel.settings = { ...world.kernel.settings, daemons: [running, backup] };
    await world.agent.stop('SIGTERM');
    expect(world.kernel.settings.daemons).toEqual([running, backup]);
    await world.agent.removeOurs();
    expect(world.kernel.settings.daemons).toEqual([backup]);
    expect([...world.daemons.owned()]).toEqual([]);
  });

  test('keeps as ours what the kernel refuses to stop, and tells', async () => {
    const world = await begin({ config: configWith([master]) });
    await world.agent.stop('SIGTERM');
    world.kernel.applySettings = async (ops) => ops.map((op) => ({ op, error: 'EBUSY' }));
    await world.agent.removeOurs();
    expect([...world.daemons.owned()]).toEqual(['master eth0 7']);
    expect(world.events.at(-1)).toMatchObject({
      type: 'agent_warning',
      code: 'EBUSY',
      message: 'Cannot remove sync daemon master: kernel answered EBUSY',
    });
  });
});
