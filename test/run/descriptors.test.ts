import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { descriptorsFor, shareDescriptors } from '../../src/run/descriptors.ts';

test.each([
  [Number.POSITIVE_INFINITY, 2000, Number.POSITIVE_INFINITY],
  [65_536, 2000, 32_768],
  [1024, 448, 512],
  [301, 86, 150],
  [64, 16, 32],
])('of %d descriptors %d are for runs and %d for idle connections', (limit, runs, idle) => {
  expect(shareDescriptors(limit)).toEqual({ runs, idle });
});

test.each([
  [100, 0],
  [100, 500],
  [0, 3],
])('what %d runs and %d idle connections want is what gives them as many', (runs, idle) => {
  const shares = shareDescriptors(descriptorsFor(runs, idle));
  expect(shares.runs).toBeGreaterThanOrEqual(runs);
  expect(shares.idle).toBeGreaterThanOrEqual(idle);
  expect(shareDescriptors(descriptorsFor(1e6, 0)).runs).toBe(2000);
});

test('the limit is that of this process', () => {
  const soft = execFileSync('prlimit', ['--pid', `${process.pid}`, '--nofile', '--output=SOFT', '--noheadings']);
  expect(shareDescriptors().idle).toBe(Math.floor(Number(soft) / 2));
});
