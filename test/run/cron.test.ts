import { describe, expect, test } from '@jest/globals';
import { cronProblem, lastMatchOf } from '../../src/run/cron.ts';

const hourMs = 3_600_000;
const at = (text: string) => Date.parse(text);

describe('cronProblem', () => {
  test.each(['0 3 * * 0', '*/5 * * * *', '30 0 3 * * 1-5', '0 0 1 jan *'])('takes %s', (expression) => {
    expect(cronProblem(expression)).toBeUndefined();
  });

  test.each(['61 * * * *', 'every day', '', '* * *'])('says what is wrong with %j', (expression) => {
    expect(cronProblem(expression)).toEqual(expect.stringMatching(/\w/));
  });
});

describe('lastMatchOf', () => {
  test('finds the last time within the span, whose end counts and whose start does not', () => {
    const last = lastMatchOf('0 3 * * *', 'UTC');
    const three = at('2026-11-22T03:00:00Z');
    expect(last(three - hourMs, three)).toBe(three);
    expect(last(three - hourMs, three + 59_999)).toBe(three);
    expect(last(three, three + hourMs)).toBeUndefined();
    expect(last(three - hourMs, three - 1)).toBeUndefined();
  });

  test('follows the time zone over a change of the clocks', () => {
    const last = lastMatchOf('0 3 * * 0', 'Europe/Berlin');
    const summer = at('2026-10-18T01:00:00Z');
    const winter = at('2026-10-25T02:00:00Z');
    expect(last(summer - hourMs, summer + hourMs)).toBe(summer);
    expect(last(winter - hourMs, winter + hourMs)).toBe(winter);
  });

  test('asks once a minute however many seconds there are, a week back in a moment', () => {
    const leapDay = lastMatchOf('* 0 3 29 2 *', 'Europe/Berlin');
    const now = at('2026-11-22T03:00:00Z');
    const start = process.cpuUsage();
    expect(leapDay(now - 168 * hourMs, now)).toBeUndefined();
    // 10,080 minutes of some 15 µs each; asking for every second would take ten times this limit.
    expect(process.cpuUsage(start).user).toBeLessThan(1_000_000);
  });

  test('knows seconds', () => {
    const last = lastMatchOf('15,45 * * * * *', 'UTC');
    const minute = at('2026-11-22T03:00:00Z');
    expect(last(minute - hourMs, minute + 44_000)).toBe(minute + 15_000);
    expect(last(minute - hourMs, minute + 45_000)).toBe(minute + 45_000);
  });
});
