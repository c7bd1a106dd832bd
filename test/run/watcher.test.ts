import { describe, expect, test } from '@jest/globals';
import type { Check } from '../../src/core/config.ts';
import type { RunResult } from '../../src/core/event.ts';
import { fail, pass } from '../../src/core/observation.ts';
import { createWatcher } from '../../src/run/watcher.ts';
import { aCheck } from '../support/build.ts';
import { createSimulatedClock } from '../support/clock.ts';
import { createHeldConnections } from '../support/connections.ts';

const passed: RunResult = { kind: 'observation', observation: pass('L4OK', 'connected') };
const failed: RunResult = { kind: 'observation', observation: fail('L4CON', 'Connection refused') };
const unlearned: RunResult = { kind: 'inconclusive', inconclusive: { code: 'EMFILE', message: 'No descriptors' } };

type Answer = Parameters<typeof createHeldConnections>[0];

/** A watcher of checks whose keys are the addresses of their targets. */
function watch(
  addresses: readonly string[],
  { answer = () => 'opened', limit = 100 }: { answer?: Answer; limit?: number } = {},
) {
  const clock = createSimulatedClock();
  const connections = createHeldConnections(answer, limit);
  const hastened: string[] = [];
  const watcher = createWatcher({ clock, connections, hasten: (key) => void hastened.push(key) });
  const unwatched = watcher.set(checks(addresses));
  const note = async (result: RunResult, ...keys: readonly string[]) => {
    for (const key of keys) watcher.note(key, result);
    await clock.settle();
  };
  return { clock, connections, watcher, hastened, unwatched, note };
}

function checks(addresses: readonly string[], changes: Partial<Check> = {}): ReadonlyMap<string, Check> {
  return new Map(
    addresses.map((address) => [address, aCheck({ target: { address, port: 80 }, isWatched: true, ...changes })]),
  );
}

const one = '10.0.0.1';
const two = '10.0.0.2';
const three = '10.0.0.3';

describe('a watcher', () => {
  test('holds a connection to what has passed, and hastens the check when it ends', async () => {
    const { clock, connections, hastened, note } = watch([one, two, three]);
    await note(passed, one, two);
    await note(unlearned, two, three);
    expect(connections.held()).toEqual([one, two]);
    await clock.advance(60_000);
    connections.end(one, 'ECONNRESET');
    connections.end(two);
    expect(hastened).toEqual([one, two]);
    await note(passed, one, two);
    expect(connections.held()).toEqual([one, two]);
  });

  test('holds the connection from the source that its check is made from', async () => {
    const { connections, watcher, note } = watch([one]);
    watcher.set(new Map([...checks([one]), ...checks([two], { options: { source: '10.0.0.9' } })]));
    await note(passed, one, two);
    expect([connections.source(one), connections.source(two)]).toEqual([undefined, '10.0.0.9']);
  });

  test('lets what fails alone until it passes', async () => {
    const { clock, connections, hastened, note } = watch([one]);
    await note(passed, one);
    await clock.advance(60_000);
    await note(failed, one);
    expect(connections.held()).toEqual([]);
    await clock.advance(600_000);
    expect(connections.asked(one)).toBe(1);
    await note(passed, one);
    expect(connections.held()).toEqual([one]);
    expect(hastened).toEqual([]);
  });

  test.each(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH'] as const)(
    'hastens a check whose server answers %s',
    async (code) => {
      const { hastened, note } = watch([one], { answer: () => code });
      await note(passed, one);
      expect(hastened).toEqual([one]);
    },
  );

  test.each(['EMFILE', 'ENFILE', 'ENOBUFS', 'EADDRNOTAVAIL', 'EACCES', 'EPERM', 'ETIMEDOUT'] as const)(
    'takes no %s for the word of a server, and tries again later',
    async (code) => {
      const { clock, connections, hastened, note } = watch([one], { answer: () => code });
      await note(passed, one);
      await note(passed, one);
      expect(connections.asked(one)).toBe(1);
      await clock.advance(10_000);
      await note(passed, one);
      expect(connections.asked(one)).toBe(2);
      expect(hastened).toEqual([]);
    },
  );

  test('watches what it is told to, and keeps the connections of what stays', async () => {
    const { connections, watcher, hastened, note } = watch([one, two]);
    await note(passed, one, two);
    expect(watcher.set(new Map([...checks([two, three]), ...checks([one], { isWatched: false })]))).toBe(0);
    expect(connections.held()).toEqual([two]);
    await note(passed, one, two, three);
    expect(connections.held()).toEqual([two, three]);
    expect(connections.asked(two)).toBe(1);
    expect(hastened).toEqual([]);
  });

  test('holds no more connections than it may, and says how many it would', async () => {
    const { connections, watcher, unwatched, note } = watch([one, two, three], { limit: 2 });
    expect(unwatched).toBe(1);
    await note(passed, one, two, three);
    expect(connections.held()).toEqual([one, two]);
    expect(watcher.set(checks([two, three]))).toBe(0);
    await note(passed, three);
    expect(connections.held()).toEqual([two, three]);
  });

  test('does not make more than 500 connections at once', async () => {
    let answer: ReturnType<Answer> = 'silent';
    const many = Array.from({ length: 600 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    const { clock, connections, note, watcher } = watch(many, { answer: () => answer, limit: 1000 });
    await note(passed, ...many);
    expect(connections.held()).toHaveLength(500);
    await note(failed, ...many.slice(0, 100));
    answer = 'opened';
    await clock.advance(10_000);
    await note(passed, ...many.slice(500));
    await note(passed, ...many.slice(0, 10));
    expect(connections.held()).toHaveLength(510);
    watcher.set(checks(many.slice(500)));
    expect(connections.held()).toHaveLength(100);
    // Those that were given up while they were made do not count any more.
    watcher.set(checks(many));
    answer = 'silent';
    await note(passed, ...many);
    expect(connections.held()).toHaveLength(600);
  });

  test('gives up every connection when it stops', async () => {
    const { connections, watcher, hastened, note } = watch([one, two]);
    await note(passed, one);
    watcher.note(two, passed);
    watcher.stop();
    await note(passed, one, two);
    expect(connections.held()).toEqual([]);
    expect(hastened).toEqual([]);
  });

  test('takes ends that were seen together after a stall for no more than ends', async () => {
    const { clock, connections, hastened, note } = watch([one, two]);
    await note(passed, one, two);
    clock.stall(3_600_000);
    connections.end(one);
    connections.end(two);
    await note(passed, one, two);
    expect(hastened).toEqual([one, two]);
    expect(connections.held()).toEqual([one, two]);
  });
});
