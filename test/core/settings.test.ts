import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  applySettingOps,
  daemonKey,
  diffSettings,
  findSettingDrift,
  noSettings,
  type Settings,
  type SyncDaemon,
  settingName,
  settledPart,
  type Timeouts,
} from '../../src/core/settings.ts';
import { formatSettingOp } from '../../src/kernel/text/setting-rules.ts';

const master: SyncDaemon = {
  role: 'master',
  interface: 'eth0',
  syncId: 7,
  group: '224.0.0.81',
  port: 8848,
  ttl: 1,
  maxLength: 1472,
};
const backup: SyncDaemon = { ...master, role: 'backup' };

function settings(daemons: readonly SyncDaemon[] = [], timeouts: Partial<Timeouts> = {}): Settings {
  return { daemons, timeouts: { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300, ...timeouts } };
}

function wanted(daemons: readonly SyncDaemon[] = [], timeouts: Partial<Timeouts> = {}): Settings {
  return { daemons, timeouts: { ...noSettings.timeouts, ...timeouts } };
}

function difference(want: Settings, have: Settings, owned: readonly string[] = []): readonly string[] {
  return diffSettings(want, have, new Set(owned)).map(formatSettingOp);
}

const startMaster =
  '--start-daemon master --mcast-interface eth0 --syncid 7 --mcast-group 224.0.0.81 --mcast-port 8848 --mcast-ttl 1';

describe('diffSettings', () => {
  test.each<[string, Settings, Settings, readonly string[]]>([
    ['nothing is wanted of', noSettings, settings([master, backup], { tcpSeconds: 1 }), []],
    ['a timeout is as wanted', wanted([], { tcpSeconds: 900 }), settings(), []],
    ['one timeout of three differs', wanted([], { udpSeconds: 10 }), settings(), ['--set 0 0 10']],
    [
      'all that is named is set where some of it differs',
      wanted([], { tcpSeconds: 1800, tcpFinSeconds: 120 }),
      settings(),
      ['--set 1800 120 0'],
    ],
    ['a daemon runs as wanted', wanted([master, backup]), settings([backup, master]), []],
    ['the length of messages is left to the kernel', wanted([{ ...master, maxLength: 0 }]), settings([master]), []],
    ['a daemon is missing', wanted([master]), settings([backup]), [`${startMaster} --sync-maxlen 1472`]],
    ['a daemon without a length is missing', wanted([{ ...master, maxLength: 0 }]), settings(), [startMaster]],
    [
      'a daemon of another number is stopped before it is started',
      wanted([{ ...master, syncId: 8 }, backup], { udpSeconds: 5 }),
      settings([master]),
      [
        '--set 0 0 5',
        '--stop-daemon master',
        `${startMaster.replace('--syncid 7', '--syncid 8')} --sync-maxlen 1472`,
        `${startMaster.replace('master', 'backup')} --sync-maxlen 1472`,
      ],
    ],
  ])('%s', (_title, want, have, expected) => {
    expect(difference(want, have)).toEqual(expected);
  });

  test.each<[keyof SyncDaemon, Partial<SyncDaemon>]>([
    ['interface', { interface: 'eth1' }],
    ['syncId', { syncId: 0 }],
    ['group', { group: 'ff02::81' }],
    ['port', { port: 8849 }],
    ['ttl', { ttl: 2 }],
    ['maxLength', { maxLength: 1000 }],
  ])('a daemon with another %s is stopped and started', (_key, change) => {
    const ops = diffSettings(wanted([{ ...master, ...change }]), settings([master]));
    expect(ops).toEqual([
      { kind: 'stop_daemon', role: 'master' },
      { kind: 'start_daemon', daemon: { ...master, ...change } },
    ]);
  });

  test('of the daemons that are not wanted only those that are ours are stopped', () => {
    expect(difference(wanted(), settings([master, backup]), [daemonKey(backup)])).toEqual(['--stop-daemon backup']);
    expect(difference(wanted(), settings([master]), [daemonKey(backup)])).toEqual([]);
    const another = { ...backup, syncId: 77 };
    expect(difference(wanted(), settings([another]), [daemonKey(backup)])).toEqual([]);
  });
});

const timeouts = (least: number) => {
  const seconds = fc.integer({ min: least, max: 3 });
  return fc.record({ tcpSeconds: seconds, tcpFinSeconds: seconds, udpSeconds: seconds });
};
const daemon = (role: SyncDaemon['role'], least: number) =>
  fc.record({
    role: fc.constant(role),
    interface: fc.constantFrom('eth0', 'eth1'),
    syncId: fc.integer({ min: 0, max: 2 }),
    group: fc.constantFrom('224.0.0.81', 'ff02::81'),
    port: fc.integer({ min: 1, max: 2 }),
    ttl: fc.integer({ min: 1, max: 2 }),
    maxLength: fc.integer({ min: least, max: 2 }),
  });
const anySettings = (least: 0 | 1): fc.Arbitrary<Settings> =>
  fc.record({
    timeouts: timeouts(least),
    daemons: fc.oneof(
      fc.constant([]),
      fc.tuple(daemon('master', least)),
      fc.tuple(daemon('backup', least)),
      fc.tuple(daemon('backup', least), daemon('master', least)),
    ),
  });
const roles = fc.subarray(['master', 'backup']).map((names) => new Set(names));

describe('diffSettings and applySettingOps', () => {
  test('applying the difference leaves none, no drift, and all that is wanted settled', () => {
    fc.assert(
      fc.property(anySettings(0), anySettings(1), roles, (want, have, owned) => {
        const after = applySettingOps(have, diffSettings(want, have, owned));
        expect(diffSettings(want, after, owned)).toEqual([]);
        expect(findSettingDrift(want, after)).toEqual([]);
        expect(settledPart(want, [after])).toEqual(want);
      }),
    );
  });

  test('what is not wanted and not ours stays', () => {
    fc.assert(
      fc.property(anySettings(0), anySettings(1), (want, have) => {
        const after = applySettingOps(have, diffSettings(want, have));
        const wantedRoles = new Set(want.daemons.map(({ role }) => role));
        const foreign = ({ daemons }: Settings) => daemons.filter(({ role }) => !wantedRoles.has(role));
        expect(foreign(after)).toEqual(foreign(have));
        for (const key of ['tcpSeconds', 'tcpFinSeconds', 'udpSeconds'] as const) {
          expect(after.timeouts[key]).toBe(want.timeouts[key] || have.timeouts[key]);
        }
      }),
    );
  });

  test('there is drift exactly where there is a difference', () => {
    fc.assert(
      fc.property(anySettings(0), anySettings(1), (left, have) => {
        const names = new Set(diffSettings(left, have).map(settingName));
        expect(new Set(findSettingDrift(left, have).map(({ service }) => service))).toEqual(names);
      }),
    );
  });
});

test('drift of settings is named as that of rows is', () => {
  const left = wanted([master, backup], { tcpSeconds: 900 });
  expect(findSettingDrift(left, settings([{ ...master, ttl: 9 }], { tcpSeconds: 1 }))).toEqual([
    { kind: 'different', service: 'timeouts', server: undefined },
    { kind: 'different', service: 'sync daemon master', server: undefined },
    { kind: 'missing', service: 'sync daemon backup', server: undefined },
  ]);
});

test('settled is what one of the states has as it is wanted', () => {
  const want = wanted([master, backup], { tcpSeconds: 900 });
  const states = [settings([master], { tcpSeconds: 1 }), settings([{ ...backup, port: 1 }])];
  expect(settledPart(want, states)).toEqual(wanted([master], { tcpSeconds: 900 }));
  expect(settledPart(want, [])).toEqual(noSettings);
});
