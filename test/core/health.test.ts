import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { combine, type Health, initialHealth, isContested, step, type Thresholds } from '../../src/core/health.ts';

const letters: Record<Health, string> = { unknown: '?', up: 'U', down: 'D' };

/** Replays observations, `+` and `-`, and returns the health after each. */
function replay(thresholds: Thresholds, observations: string, from: Health = 'unknown'): string {
  let state = initialHealth(from);
  return [...observations]
    .map((observation) => {
      state = step(state, observation === '+', thresholds);
      return letters[state.health];
    })
    .join('');
}

describe('step', () => {
  test.each([
    ['the first pass decides at once', { rise: 9, fall: 9 }, '+', 'U'],
    ['the first failure decides at once', { rise: 9, fall: 9 }, '-', 'D'],
    ['goes down on the third failure in a row', { rise: 2, fall: 3 }, '+---', 'UUUD'],
    ['a pass starts the count of failures again', { rise: 2, fall: 3 }, '+--+--', 'UUUUUU'],
    ['comes up on the second pass in a row', { rise: 2, fall: 3 }, '-++', 'DDU'],
    ['a failure starts the count of passes again', { rise: 2, fall: 3 }, '-+-+-++', 'DDDDDDU'],
    ['fall 1 goes down at once', { rise: 2, fall: 1 }, '+-++', 'UDDU'],
    ['rise 1 comes up at once', { rise: 1, fall: 2 }, '-+--', 'DUUD'],
    ['the count starts anew after each change', { rise: 2, fall: 2 }, '+--++--', 'UUDDUUD'],
  ])('%s', (_name, thresholds, observations, expected) => {
    expect(replay(thresholds, observations)).toBe(expected);
  });

  test('what was adopted as up takes as many failures to leave as ever', () => {
    expect(replay({ rise: 2, fall: 3 }, '---', 'up')).toBe('UUD');
  });

  test('health changes at exactly the Nth observation against it, for any thresholds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 10 }), (rise, fall) => {
        expect(replay({ rise, fall }, `+${'-'.repeat(fall)}`)).toBe(`U${'U'.repeat(fall - 1)}D`);
        expect(replay({ rise, fall }, `-${'+'.repeat(rise)}`)).toBe(`D${'D'.repeat(rise - 1)}U`);
      }),
    );
  });

  test('agrees with a window over the last observations, for any history', () => {
    const thresholds = { rise: 2, fall: 3 };
    fc.assert(
      fc.property(fc.array(fc.constantFrom('+', '-'), { minLength: 1, maxLength: 40 }), (history) => {
        let health = history[0] === '+' ? 'U' : 'D';
        const expected = history.map((_, index) => {
          const recent = (count: number) => history.slice(Math.max(0, index - count + 1), index + 1).join('');
          if (recent(thresholds.fall) === '---') health = 'D';
          if (recent(thresholds.rise) === '++') health = 'U';
          return health;
        });
        expect(replay(thresholds, history.join(''))).toBe(expected.join(''));
      }),
    );
  });
});

describe('isContested', () => {
  test('holds while observations speak against the health, and ends with an agreeing one', () => {
    const thresholds = { rise: 2, fall: 3 };
    const up = step(initialHealth('unknown'), true, thresholds);
    const doubted = step(up, false, thresholds);
    expect([up, doubted, step(doubted, true, thresholds)].map(isContested)).toEqual([false, true, false]);
  });

  test('ends with the verdict', () => {
    expect(isContested(step(initialHealth('up'), false, { rise: 1, fall: 1 }))).toBe(false);
  });
});

describe('combine', () => {
  test.each<[readonly Health[], Health]>([
    [[], 'up'],
    [['up', 'up'], 'up'],
    [['up', 'down'], 'down'],
    [['up', 'unknown'], 'unknown'],
    [['unknown', 'down'], 'down'],
  ])('%j is %s', (healths, expected) => {
    expect(combine(healths)).toBe(expected);
  });
});
