import { expect, test } from '@jest/globals';
import { takeLock } from '../../src/run/lock.ts';

test('a second taker gets nothing until the first gives back', async () => {
  const name = `lvsd-test-${process.pid}`;
  const release = await takeLock(name);
  expect(release).toBeDefined();
  expect(await takeLock(name)).toBeUndefined();
  release?.();
  const again = await takeLock(name);
  expect(again).toBeDefined();
  again?.();
});
