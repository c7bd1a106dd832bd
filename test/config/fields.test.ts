import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { duration, formatDuration, formatShare, share } from '../../src/config/fields.ts';

describe('a duration', () => {
  test.each([
    ['1ms', 1],
    ['500ms', 500],
    ['5s', 5000],
    ['1.1s', 1100],
    ['0.5s', 500],
    ['2m', 120_000],
    ['1.5h', 5_400_000],
    ['576h', 2_073_600_000],
  ])('%s is %d ms', (text, ms) => {
    expect(duration().parse(text)).toBe(ms);
  });

  test.each([
    '5',
    '',
    '5 s',
    '-5s',
    '+5s',
    '5S',
    '5sec',
    '1m30s',
    '.5s',
    '5.s',
    '1e3ms',
    '0x5s',
    '5d',
    's',
    '1.5ms',
    '577h',
    '0s',
    `${'9'.repeat(400)}s`,
  ])('%j is none', (text) => {
    expect(duration().safeParse(text).success).toBe(false);
  });

  test('of a limited range is refused outside of it', () => {
    const field = duration({ min: 1000, max: 5000, step: 1000 });
    expect(['999ms', '1s', '1500ms', '5s', '6s'].map((text) => field.safeParse(text).success)).toEqual([
      false,
      true,
      false,
      true,
      false,
    ]);
  });

  test('is written as it is read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_073_600_000 }), (ms) => {
        expect(duration().parse(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});

describe('a share', () => {
  test('is a percentage with its sign', () => {
    expect(['0%', '25%', '12.5%', '100%'].map((text) => share().parse(text))).toEqual([0, 0.25, 0.125, 1]);
    expect(['25', '0.25', '-1%', '101%', '% 5', '25 %'].filter((text) => share().safeParse(text).success)).toEqual([]);
  });

  test('is written as it is read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100_000_000 }), (millionths) => {
        const value = share().parse(`${millionths / 1_000_000}%`.replace(/^(.*)e-(\d+)%$/, '0%'));
        expect(share().parse(formatShare(value))).toBe(value);
      }),
    );
  });
});
