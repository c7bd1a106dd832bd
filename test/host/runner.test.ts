import { describe, expect, test } from '@jest/globals';
import { HostError } from '../../src/host/error.ts';
import type { PlaceOf } from '../../src/host/places.ts';
import { bringUp, inspect, takeDown } from '../../src/host/runner.ts';
import { keyOf, type Setting } from '../../src/host/setting.ts';
import { createWorld, refuse, type World } from './world.ts';

const forward: Setting = { kind: 'sysctl', path: 'net/ipv4/ip_forward', value: '1' };
const ignore: Setting = { kind: 'sysctl', path: 'net/ipv4/conf/all/arp_ignore', value: '1' };
const vip: Setting = { kind: 'address', address: '192.0.2.1', link: 'lo' };
const other: Setting = { kind: 'address', address: '192.0.2.2', link: 'lo' };
const plan = [forward, ignore, vip, other];

const initial = { [keyOf(forward)]: '0', [keyOf(ignore)]: '2', [keyOf(other)]: 'there' };
const valuesOf = ({ values }: World) => Object.fromEntries(values);
const up = (world: World, wanted: readonly Setting[] = plan) => bringUp(wanted, world.placeOf, world.file);
const down = (world: World) => takeDown(world.placeOf, world.file);

describe('up', () => {
  test('sets what is missing, in order, once it is recorded what was there, kind by kind', async () => {
    const world = createWorld(initial);
    const { set, undone, problems } = await up(world);
    expect({ set, undone, problems }).toEqual({ set: [forward, ignore, vip], undone: [], problems: [] });
    expect(world.changes).toEqual([
      'save',
      'save',
      ...[forward, ignore].map((setting) => `set ${keyOf(setting)}`),
      'save',
      `set ${keyOf(vip)}`,
    ]);
    expect(world.file.saved?.changes).toEqual([
      { setting: forward, before: { value: '0' } },
      { setting: ignore, before: { value: '2' } },
      { setting: vip, before: {} },
    ]);
  });

  test('changes nothing the second time, not even the record', async () => {
    const world = createWorld(initial);
    await up(world);
    const changes = world.changes.length;
    expect(await up(world)).toMatchObject({ set: [], undone: [], problems: [] });
    expect(world.changes).toHaveLength(changes);
  });

  test('sets again what somebody has undone, and still knows what was there first', async () => {
    const world = createWorld(initial);
    await up(world);
    world.values.set(keyOf(forward), '7').delete(keyOf(vip));
    expect((await up(world)).set).toEqual([forward, vip]);
    await down(world);
    expect(valuesOf(world)).toEqual(initial);
  });

  test('undoes what is wanted no longer, once what is wanted is there', async () => {
    const world = createWorld(initial);
    await up(world);
    const next: Setting = { kind: 'address', address: '192.0.2.3', link: 'lo' };
    const { set, undone } = await up(world, [ignore, other, next]);
    expect({ set, undone }).toEqual({ set: [next], undone: [vip, forward] });
    expect(valuesOf(world)).toEqual({ ...initial, [keyOf(ignore)]: '1', [keyOf(next)]: 'there' });
    await down(world);
    expect(valuesOf(world)).toEqual(initial);
  });

  test('refuses what belongs to somebody else before it sets anything', async () => {
    const world = createWorld({ ...initial, [keyOf(vip)]: 'foreign' });
    await expect(up(world)).rejects.toThrow(`${keyOf(vip)} is foreign`);
    expect(world.changes).toEqual([]);
  });

  test.each(plan.slice(0, 3).map((setting) => [`set ${keyOf(setting)}`]))(
    'puts back what it has set when it cannot %s, and keeps no record',
    async (change) => {
      const world = createWorld(initial);
      world.interrupt(refuse(change));
      await expect(up(world)).rejects.toThrow(`Cannot ${change}`);
      expect(valuesOf(world)).toEqual(initial);
      expect(world.file.saved).toBeUndefined();
    },
  );

  test('puts back what has taken effect although it failed', async () => {
    const world = createWorld(initial);
    const placeOf: PlaceOf = (setting) => {
      const place = world.placeOf(setting);
      const failLate = async () => {
        await place.set();
        throw new HostError('failed', 'Cannot be sure');
      };
      return setting === ignore ? { ...place, set: failLate } : place;
    };
    await expect(bringUp(plan, placeOf, world.file)).rejects.toThrow('Cannot be sure');
    expect(valuesOf(world)).toEqual(initial);
    expect(world.file.saved).toBeUndefined();
  });

  test('keeps what an earlier up has set when a later one fails', async () => {
    const world = createWorld(initial);
    await up(world, [forward]);
    const { saved } = world.file;
    world.interrupt(refuse(`set ${keyOf(vip)}`));
    await expect(up(world)).rejects.toThrow('Cannot set address');
    expect(valuesOf(world)).toEqual({ ...initial, [keyOf(forward)]: '1' });
    expect(world.file.saved).toEqual(saved);
  });

  test('tells what it could not put back either, and keeps the record of it', async () => {
    const world = createWorld(initial);
    world.interrupt((change) => {
      refuse(`set ${keyOf(vip)}`)(change);
      refuse(`restore ${keyOf(ignore)}`)(change);
    });
    await expect(up(world)).rejects.toThrow(
      `Cannot set ${keyOf(vip)}\nCannot restore ${keyOf(ignore)} (while undoing net.ipv4.conf.all.arp_ignore = 1)`,
    );
    world.interrupt(() => {});
    await down(world);
    expect(valuesOf(world)).toEqual(initial);
  });
});

describe('down', () => {
  test('puts everything back, the last first, and forgets it', async () => {
    const world = createWorld(initial);
    await up(world);
    expect(await down(world)).toMatchObject({ undone: [vip, ignore, forward], problems: [], hasFailed: false });
    expect(valuesOf(world)).toEqual(initial);
    expect(world.file.saved).toBeUndefined();
  });

  test('changes nothing where nothing was set, and says so', async () => {
    const world = createWorld(initial);
    const problems = ['Nothing to put back: there is no record at /nowhere'];
    expect(await down(world)).toMatchObject({ undone: [], problems, hasFailed: false });
    expect(valuesOf(world)).toEqual(initial);
  });

  test('says what it leaves alone, and forgets it', async () => {
    const world = createWorld(initial);
    await up(world);
    world.values.set(keyOf(ignore), 'meddled');
    expect(await down(world)).toMatchObject({ problems: [`Left ${keyOf(ignore)} alone`], hasFailed: false });
    expect(world.values.get(keyOf(ignore))).toBe('meddled');
    expect(world.file.saved).toBeUndefined();
  });

  test('goes on after what it cannot undo, and remembers that alone', async () => {
    const world = createWorld(initial);
    await up(world);
    world.interrupt(refuse(`restore ${keyOf(ignore)}`));
    expect(await down(world)).toMatchObject({ undone: [vip, forward], hasFailed: true });
    expect(world.file.saved?.changes).toEqual([{ setting: ignore, before: { value: '2' } }]);
    world.interrupt(() => {});
    await down(world);
    expect(valuesOf(world)).toEqual(initial);
  });
});

describe('killed between any two changes', () => {
  const steps = Array.from({ length: 6 }, (_, index) => [index]);

  test.each(steps)('of up, after %i of them, down puts everything back', async (count) => {
    const world = createWorld(initial);
    world.freezeAfter(count);
    await up(world);
    world.thaw();
    await down(world);
    expect(valuesOf(world)).toEqual(initial);
  });

  test.each(steps)('of up, after %i of them, up goes on, and down knows what was there first', async (count) => {
    const world = createWorld(initial);
    world.freezeAfter(count);
    await up(world);
    world.thaw();
    await up(world);
    expect(valuesOf(world)).toEqual({ ...initial, [keyOf(forward)]: '1', [keyOf(ignore)]: '1', [keyOf(vip)]: 'there' });
    await down(world);
    expect(valuesOf(world)).toEqual(initial);
  });

  test.each(steps)('of down, after %i of them, down puts back the rest', async (count) => {
    const world = createWorld(initial);
    await up(world);
    world.freezeAfter(count);
    await down(world);
    world.thaw();
    await down(world);
    expect(valuesOf(world)).toEqual(initial);
    expect(world.file.saved).toBeUndefined();
  });
});

describe('inspect', () => {
  test('tells of each setting whether it is there, and what is there instead', async () => {
    const world = createWorld(initial);
    expect(await inspect(plan, world.placeOf)).toEqual([
      { setting: forward, isSet: false, found: { value: '0' } },
      { setting: ignore, isSet: false, found: { value: '2' } },
      { setting: vip, isSet: false, found: {} },
      { setting: other, isSet: true, found: { value: 'there' } },
    ]);
    expect(world.changes).toEqual([]);
  });
});
