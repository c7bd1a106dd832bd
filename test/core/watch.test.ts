import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { initialWatch, stepWatch, type WatchEvent, type WatchState } from '../../src/core/watch.ts';

const intervalMs = 5000;
const minute = 60_000;
const hour = 60 * minute;

/** Replays events, each with its time in ms, and returns the action that each led to. */
function replay(...events: readonly (readonly [atMs: number, event: WatchEvent])[]): string {
  let state = initialWatch;
  return events
    .map(([atMs, event]) => {
      const step = stepWatch(state, event, atMs, intervalMs);
      state = step.state;
      return step.action ?? '-';
    })
    .join(' ');
}

describe('a connection', () => {
  test.each<[what: string, events: [number, WatchEvent][], actions: string]>([
    ['is asked for when the check passes', [[0, 'passed']], 'connect'],
    ['is not asked for while the check fails', [[0, 'failed']], '-'],
    [
      'is asked for once',
      [
        [0, 'passed'],
        [1, 'passed'],
        [2, 'opened'],
        [3, 'passed'],
      ],
      'connect - - -',
    ],
    [
      'that ends makes the check run, and another is asked for when that has passed',
      [
        [0, 'passed'],
        [1, 'opened'],
        [minute, 'closed'],
        [minute + 5, 'passed'],
      ],
      'connect - hasten connect',
    ],
    [
      'is not asked for after an end until the check passes',
      [
        [0, 'passed'],
        [1, 'opened'],
        [minute, 'closed'],
        [minute + 5, 'failed'],
        [minute + 500, 'failed'],
        [2 * minute, 'passed'],
      ],
      'connect - hasten - - connect',
    ],
    [
      'that died young with the server is followed by one as soon as the check passes',
      [
        [0, 'passed'],
        [1, 'opened'],
        [2, 'closed'],
        [3, 'failed'],
        [4, 'passed'],
      ],
      'connect - hasten - connect',
    ],
    [
      'that died young of itself is followed by one two intervals after it',
      [
        [0, 'passed'],
        [1, 'opened'],
        [2, 'closed'],
        [3, 'passed'],
        [10_000, 'passed'],
        [10_001, 'passed'],
      ],
      'connect - hasten - - connect',
    ],
    [
      'is given up when the check fails, and asked for anew when it passes',
      [
        [0, 'passed'],
        [1, 'opened'],
        [minute, 'failed'],
        [minute + 500, 'passed'],
      ],
      'connect - drop connect',
    ],
    [
      'that is being made is given up too',
      [
        [0, 'passed'],
        [1, 'failed'],
        [2, 'failed'],
      ],
      'connect drop -',
    ],
    [
      'that is refused makes the check run; the next is asked for two intervals later',
      [
        [0, 'passed'],
        [10, 'refused'],
        [20, 'passed'],
        [10_009, 'passed'],
        [10_010, 'passed'],
      ],
      'connect hasten - - connect',
    ],
    [
      'that could not be made for another reason says nothing, and is tried ever less often',
      [
        [0, 'passed'],
        [0, 'unopened'],
        [10_000, 'passed'],
        [10_000, 'unopened'],
        [29_999, 'passed'],
        [30_000, 'passed'],
      ],
      'connect - connect - - connect',
    ],
  ])('%s', (_what, events, actions) => {
    expect(replay(...events)).toBe(actions);
  });
});

describe('a server that is known to close what is idle', () => {
  const learned: [number, WatchEvent][] = [
    [0, 'passed'],
    [0, 'opened'],
    [minute, 'closed'],
    [minute, 'passed'],
    [minute, 'opened'],
  ];

  test.each<[what: string, events: [number, WatchEvent][], actions: string]>([
    ['is asked for a connection, not run, when it does', [[2 * minute, 'closed']], 'connect'],
    [
      'is run when it does not take the new one',
      [
        [2 * minute, 'closed'],
        [2 * minute, 'refused'],
      ],
      'connect hasten',
    ],
    ['is run when the connection ends before', [[minute + 53_000, 'closed']], 'hasten'],
    [
      'is known by the shorter life once that has proved harmless',
      [
        [minute + 20_000, 'closed'],
        [minute + 20_000, 'passed'],
        [minute + 20_000, 'opened'],
        [minute + 40_000, 'closed'],
      ],
      'hasten connect - connect',
    ],
    [
      'is known as before where the shorter life was a death',
      [
        [minute + 20_000, 'closed'],
        [minute + 20_000, 'failed'],
        [minute + 30_000, 'passed'],
        [minute + 30_000, 'opened'],
        [minute + 50_000, 'closed'],
      ],
      'hasten - connect - hasten',
    ],
  ])('%s', (_what, events, actions) => {
    expect(replay(...learned, ...events)).toBe(`connect - hasten connect - ${actions}`);
  });
});

/** An hour with a server whose check always passes, and that ends each connection after the given life. */
function anHour(lifeMs: (connection: number) => number): { readonly hastened: number; readonly connects: number } {
  let state: WatchState = initialWatch;
  let hastened = 0;
  let connects = 0;
  let endMs = Number.POSITIVE_INFINITY;
  const tell = (event: WatchEvent, nowMs: number) => {
    const step = stepWatch(state, event, nowMs, intervalMs);
    state = step.state;
    if (step.action === 'hasten') {
      hastened += 1;
      tell('passed', nowMs);
    }
    if (step.action === 'connect') {
      endMs = nowMs + lifeMs(connects);
      connects += 1;
      tell('opened', nowMs);
    }
  };
  for (let runMs = 0; runMs <= hour; runMs += intervalMs) {
    while (endMs < runMs) {
      const nowMs = endMs;
      endMs = Number.POSITIVE_INFINITY;
      tell('closed', nowMs);
    }
    tell('passed', runMs);
  }
  return { hastened, connects };
}

/** Lives between two bounds, the same at every call. */
function between(fromMs: number, toMs: number): (connection: number) => number {
  return (connection) => fromMs + (toMs - fromMs) * ((connection * 0.618_034) % 1);
}

describe('in an hour', () => {
  test.each<[what: string, life: (connection: number) => number, hastened: number, connects: number]>([
    ['a server that keeps the connection costs one', () => 2 * hour, 0, 1],
    ['one that closes after a minute is run once, and watched all the time', () => minute, 1, 60],
    ['one that closes after an interval is run once', () => intervalMs, 1, 720],
    ['one that closes after four seconds is run once, and asked ever less', () => 4000, 1, 16],
    ['one that closes at once is run once, and asked ever less', () => 0, 1, 16],
    ['one that looks around every 30 s after 60 s is run a few times', between(60_000, 90_000), 5, 49],
    ['one that closes whenever it likes is run now and then', between(0, 60_000), 28, 118],
  ])('%s', (_what, life, hastened, connects) => {
    expect(anHour(life)).toEqual({ hastened, connects });
  });

  test('no server is asked for more connections than its check has runs, nor its check run for more ends than it had', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2 * minute), { minLength: 1, maxLength: 40 }), (lives) => {
        const { hastened, connects } = anHour((connection) => lives[connection % lives.length] ?? 0);
        expect(connects).toBeLessThanOrEqual(1 + hour / intervalMs);
        expect(hastened).toBeLessThanOrEqual(connects);
      }),
    );
  });
});
