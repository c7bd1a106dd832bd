import { describe, expect, test } from '@jest/globals';
import type { Check } from '../../src/core/config.ts';
import { createScheduler } from '../../src/run/scheduler.ts';
import { aCheck } from '../support/build.ts';
import { createSimulatedClock } from '../support/clock.ts';

interface Plan {
  readonly runMs?: number;
  readonly limit?: number;
  readonly random?: () => number;
  readonly isContested?: (run: number) => boolean;
}

/** A scheduler whose runs last `runMs` and ask for a retry where `isContested` says so. */
function schedule({ runMs = 0, limit = 100, random = () => 0.5, isContested = () => false }: Plan = {}) {
  const clock = createSimulatedClock();
  const starts: { readonly key: string; readonly atMs: number; readonly lagMs: number }[] = [];
  const scheduler = createScheduler({
    clock,
    random,
    limit,
    run: (key, _check, lagMs, ended) => {
      starts.push({ key, atMs: clock.now(), lagMs });
      const run = starts.length;
      clock.at(clock.now() + runMs, () => ended(isContested(run)));
    },
  });
  const times = (key = 'a') => starts.filter((start) => start.key === key).map(({ atMs }) => atMs);
  return { clock, scheduler, starts, times };
}

function checks(count: number, changes: Partial<Check> = {}): ReadonlyMap<string, Check> {
  const check = aCheck({ intervalMs: 1000, retryIntervalMs: 100, ...changes });
  return new Map(Array.from({ length: count }, (_, index) => [String.fromCharCode(97 + index), check]));
}

describe('a scheduler', () => {
  test('starts a check every interval, whatever a run takes', async () => {
    const { clock, scheduler, times } = schedule({ runMs: 300 });
    scheduler.set(checks(1));
    await clock.advance(3600);
    expect(times()).toEqual([500, 1500, 2500, 3500]);
  });

  test('has runs fall due together, so that the process wakes once for many', async () => {
    let draws = 0;
    // After 475, 479.75, 484.5 ms and so on: six by 500, and ten by 550.
    const { clock, scheduler, starts } = schedule({ random: () => (500 + 5 * draws++) / 1000 });
    scheduler.set(checks(22, { jitter: 0 }));
    await clock.advance(600);
    const startsAt = (atMs: number) => starts.filter((start) => start.atMs === atMs && start.lagMs === 0);
    expect([500, 550, 600].map((atMs) => startsAt(atMs).length)).toEqual([6, 10, 6]);
  });

  test('has those fall due together that differ by little of their interval', async () => {
    let draws = 0;
    const { clock, scheduler, starts } = schedule({ random: () => draws++ / 100 });
    scheduler.set(checks(12, { intervalMs: 200, jitter: 0 }));
    await clock.advance(30);
    expect(starts.map(({ atMs }) => atMs)).toEqual([0, ...Array(5).fill(10), ...Array(5).fill(20), 30]);
  });

  test('has retries fall due together within 5 ms', async () => {
    const { clock, scheduler, starts } = schedule({ runMs: 52, isContested: () => true });
    scheduler.set(checks(1));
    await clock.advance(1000);
    expect(starts.slice(0, 3).map(({ atMs, lagMs }) => [atMs, lagMs])).toEqual([
      [500, 0],
      [655, 0],
      [810, 0],
    ]);
  });

  test('retries after the end of a contested run, and goes on an interval after the last start', async () => {
    const { clock, scheduler, times } = schedule({ runMs: 50, isContested: (run) => run === 2 || run === 3 });
    scheduler.set(checks(1));
    await clock.advance(3000);
    expect(times()).toEqual([500, 1500, 1650, 1800, 2800]);
  });

  test('shifts starts by the jitter without drifting off the interval', async () => {
    let draws = 0;
    const { clock, scheduler, times } = schedule({ random: () => (draws++ % 2 === 0 ? 0 : 0.999) });
    scheduler.set(checks(1, { jitter: 0.1 }));
    await clock.advance(100_500);
    const offsets = times().map((at, index) => at - index * 1000);
    expect(times()).toHaveLength(101);
    expect(Math.min(...offsets)).toBeGreaterThanOrEqual(-50);
    expect(Math.max(...offsets)).toBeLessThanOrEqual(50);
    expect(new Set(offsets).size).toBeGreaterThan(1);
  });

  test('is early as often as late by the jitter', async () => {
    let draws = 0;
    const { clock, scheduler, times } = schedule({ random: () => (draws++ % 100) / 100 });
    scheduler.set(checks(1, { jitter: 0.2 }));
    await clock.advance(100_500);
    const offsets = times().map((at, index) => at - index * 1000);
    const first = offsets[0] ?? 0;
    expect(offsets.filter((offset) => offset < first).length).toBeGreaterThan(10);
    expect(offsets.filter((offset) => offset > first).length).toBeGreaterThan(10);
  });

  test('is not shifted by a jitter that is less than what runs fall due together by', async () => {
    let draws = 0;
    const { clock, scheduler, times } = schedule({ random: () => (draws++ % 10) / 10 });
    scheduler.set(checks(1, { jitter: 0.01 }));
    await clock.advance(10_000);
    expect(new Set(times().map((at) => at % 1000)).size).toBe(1);
  });

  test('keeps its interval with the longest jitter, and with one that the grid does not divide', async () => {
    const { clock, scheduler, times } = schedule({ random: () => 0.96 });
    scheduler.set(checks(1, { jitter: 1 }));
    await clock.advance(100_999);
    expect(times()).toHaveLength(100);
    const odd = schedule();
    odd.scheduler.set(checks(1, { intervalMs: 1010, jitter: 0 }));
    await odd.clock.advance(101_050);
    expect(odd.times()).toHaveLength(100);
  });

  test('keeps the times of a check that stays, starts new ones and drops old ones', async () => {
    const { clock, scheduler, times } = schedule();
    scheduler.set(checks(2));
    await clock.advance(600);
    const [first, , third] = [...checks(3)];
    scheduler.set(new Map([first, third].filter((entry) => entry !== undefined)));
    await clock.advance(2000);
    expect([times('a'), times('b'), times('c')]).toEqual([[500, 1500, 2500], [500], [1100, 2100]]);
  });

  test('never has more runs in flight than its limit, and counts the wait as lag', async () => {
    const { clock, scheduler, starts } = schedule({ runMs: 100, limit: 2 });
    scheduler.set(checks(5));
    await clock.advance(800);
    expect(starts.map(({ atMs, lagMs }) => [atMs, lagMs])).toEqual([
      [500, 0],
      [500, 0],
      [600, 100],
      [600, 100],
      [700, 200],
    ]);
  });

  test('starts a backlog of runs in slices of 10 ms, and gives the sockets their turn between', async () => {
    const clock = createSimulatedClock();
    const slices: string[] = [];
    let isOver = true;
    const scheduler = createScheduler({
      clock: { ...clock, stalledMs: () => 0 },
      random: () => 0.5,
      limit: 100,
      run: (key) => {
        if (isOver) slices.push('');
        isOver = false;
        clock.afterPoll(() => {
          isOver = true;
        });
        slices.push(`${slices.pop()}${key}`);
        // To start it takes so long.
        clock.stall(4);
      },
    });
    scheduler.set(checks(8, { intervalMs: 60_000 }));
    await clock.advance(1000);
    expect(slices.map(({ length }) => length)).toEqual([3, 3, 2]);
    expect(new Set(slices.join('')).size).toBe(8);
  });

  test('goes on when every run in flight was of a check that is gone', async () => {
    const { clock, scheduler, starts } = schedule({ runMs: 1000, limit: 2 });
    scheduler.set(checks(2));
    await clock.advance(600);
    scheduler.set(new Map([...checks(4)].slice(2)));
    await clock.advance(3000);
    expect(new Set(starts.map(({ key }) => key))).toEqual(new Set(['a', 'b', 'c', 'd']));
  });

  test('does not let a run overlap itself that was taken away and is back', async () => {
    const { clock, scheduler, times } = schedule({ runMs: 2000 });
    scheduler.set(checks(1));
    await clock.advance(600);
    scheduler.set(new Map());
    scheduler.set(checks(1));
    await clock.advance(1800);
    expect(times()).toEqual([500]);
    await clock.advance(200);
    expect(times()).toEqual([500, 2500]);
  });

  test('hastens a run, and keeps the slots', async () => {
    const { clock, scheduler, times } = schedule();
    scheduler.set(checks(2));
    await clock.advance(1700);
    scheduler.hasten('a');
    await clock.advance(1300);
    expect([times('a'), times('b')]).toEqual([
      [500, 1500, 1700, 2500],
      [500, 1500, 2500],
    ]);
  });

  test('comes back to its slots when a hastened run was contested', async () => {
    const { clock, scheduler, times } = schedule({ isContested: (run) => run > 2 && run < 12 });
    scheduler.set(checks(1));
    await clock.advance(1700);
    scheduler.hasten('a');
    await clock.advance(2800);
    expect(times()).toEqual([500, 1500, 1700, 1800, 1900, 2000, 2100, 2200, 2300, 2400, 2500, 2600, 3500, 4500]);
  });

  test('comes back to its slots when it was hastened again before a retry, and leaves them for later retries', async () => {
    const { clock, scheduler, times } = schedule({ isContested: (run) => run === 3 || run === 7 });
    scheduler.set(checks(1));
    await clock.advance(1700);
    scheduler.hasten('a');
    await clock.advance(50);
    scheduler.hasten('a');
    await clock.advance(4000);
    expect(times()).toEqual([500, 1500, 1700, 1750, 2500, 3500, 4500, 4600, 5600]);
  });

  test('runs a check once more that is hastened while it is being run', async () => {
    const { clock, scheduler, times } = schedule({ runMs: 300 });
    scheduler.set(checks(1));
    await clock.advance(600);
    scheduler.hasten('a');
    scheduler.hasten('a');
    await clock.advance(2000);
    expect(times()).toEqual([500, 800, 1500, 2500]);
  });

  test('retries in its time where the run was contested during which it was hastened', async () => {
    const { clock, scheduler, times } = schedule({ runMs: 300, isContested: (run) => run === 1 });
    scheduler.set(checks(1));
    await clock.advance(600);
    scheduler.hasten('a');
    await clock.advance(2000);
    expect(times()).toEqual([500, 900, 1900]);
  });

  test('hastens nothing that is due, gone or stopped', async () => {
    const { clock, scheduler, starts } = schedule({ runMs: 300, limit: 1 });
    scheduler.set(checks(3));
    await clock.advance(600);
    // The next in turn: hastened, it would come last.
    scheduler.hasten('c');
    scheduler.hasten('z');
    await clock.advance(600);
    const turns = starts.map(({ key, atMs }) => [key, atMs]);
    expect(turns).toEqual([
      ['a', 500],
      ['c', 800],
      ['b', 1100],
    ]);
    await Promise.all([scheduler.stop(), clock.advance(300)]);
    scheduler.hasten('a');
    await clock.advance(2000);
    expect(starts).toHaveLength(3);
  });

  test('does not let checks march in step that were hastened together', async () => {
    let draws = 0;
    const { clock, scheduler, starts } = schedule({ limit: 5, runMs: 10, random: () => (draws++ % 20) / 20 });
    scheduler.set(checks(20, { intervalMs: 5000, jitter: 0 }));
    await clock.advance(10_100);
    starts.splice(0);
    await clock.advance(5000);
    const phases = starts.splice(0).map(({ key, atMs }) => [key, atMs % 5000]);
    for (const key of checks(20).keys()) scheduler.hasten(key);
    await clock.advance(50);
    expect(starts.splice(0)).toHaveLength(20);
    await clock.advance(4950);
    expect(starts.map(({ key, atMs }) => [key, atMs % 5000])).toEqual(phases);
  });

  test('has first runs within a second, and then slots all over the interval', async () => {
    let draws = 0;
    const { clock, scheduler, starts } = schedule({ random: () => (draws++ % 20) / 20 });
    scheduler.set(checks(20, { intervalMs: 30_000, jitter: 0 }));
    await clock.advance(1000);
    expect(new Set(starts.map(({ key }) => key)).size).toBe(20);
    await clock.advance(39_000);
    starts.splice(0);
    await clock.advance(30_000);
    expect(starts).toHaveLength(20);
    const phases = starts.map(({ atMs }) => Math.floor((atMs % 30_000) / 1500)).sort((a, b) => a - b);
    expect(phases).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  test('spreads what fell due during a stall, and has it back in its slots then', async () => {
    let draws = 0;
    const { clock, scheduler, starts } = schedule({ random: () => (draws++ % 20) / 20 });
    scheduler.set(checks(20, { intervalMs: 5000, jitter: 0 }));
    const phasesOfRound = async () => {
      starts.splice(0);
      await clock.advance(5000);
      return starts.map(({ key, atMs }) => [key, atMs % 5000]);
    };
    await clock.advance(7000);
    const phases = await phasesOfRound();
    expect(phases).toHaveLength(20);
    starts.splice(0);
    clock.stall(20_000);
    await clock.advance(1000);
    const late = new Map(starts.reverse().map(({ key, atMs }) => [key, atMs]));
    expect(late.size).toBe(20);
    expect(new Set(late.values()).size).toBe(20);
    await clock.advance(4000);
    expect(await phasesOfRound()).toEqual(phases);
  });

  test('keeps the slots of runs that start late, at least half an interval apart', async () => {
    const { clock, scheduler, starts, times } = schedule();
    scheduler.set(checks(1, { jitter: 0 }));
    await clock.advance(1400);
    clock.stall(700);
    await clock.advance(2900);
    expect(times()).toEqual([500, 2450, 3500, 4500]);
    expect(starts[1]?.lagMs).toBe(0);
  });

  test.each([300, 500, 900])('does not start at one instant what fell due during a stall of %i ms', async (stallMs) => {
    let draws = 0;
    const { clock, scheduler, starts } = schedule({ limit: 100, random: () => (draws++ % 20) / 20 });
    scheduler.set(checks(20, { intervalMs: 1000, jitter: 0 }));
    await clock.advance(3000);
    starts.splice(0);
    clock.stall(stallMs);
    await clock.advance(40);
    expect(starts.length).toBeLessThanOrEqual(3);
    await clock.advance(stallMs);
    expect(starts.length).toBeGreaterThanOrEqual(stallMs / 50);
  });

  test('has no second run right behind the first', async () => {
    const { clock, scheduler, times } = schedule({ random: () => 0.02 });
    scheduler.set(checks(1, { intervalMs: 5000, jitter: 0 }));
    await clock.advance(10_500);
    expect(times()).toEqual([50, 5100, 10_100]);
  });

  test('stops with nothing in flight and no timer', async () => {
    const { clock, scheduler, starts } = schedule({ runMs: 300 });
    scheduler.set(checks(1));
    await clock.advance(600);
    const stopped = scheduler.stop();
    await clock.advance(300);
    await stopped;
    expect(clock.pending()).toBe(0);
    await clock.advance(5000);
    expect(starts).toHaveLength(1);
  });
});
