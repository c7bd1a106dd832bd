import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createSystemClock } from '../../src/run/clock.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const longestDelayMs = 2 ** 31 - 1;

test.each([longestDelayMs, longestDelayMs + 1, 2.5 * longestDelayMs])(
  'what is due in %d ms runs then, once',
  (delayMs) => {
    const clock = createSystemClock();
    clock.stop();
    const run = jest.fn();
    clock.at(clock.now() + delayMs, run);
    jest.advanceTimersByTime(Math.floor(delayMs) - 1);
    expect(run).not.toHaveBeenCalled();
    jest.advanceTimersByTime(2);
    expect(run).toHaveBeenCalledTimes(1);
    expect(jest.getTimerCount()).toBe(0);
  },
);

test('what is due beyond the longest delay of Node can be taken back, before and behind that', () => {
  const clock = createSystemClock();
  clock.stop();
  const cancels = [1, 2].map(() => clock.at(clock.now() + 1.5 * longestDelayMs, () => {}));
  cancels[0]?.();
  expect(jest.getTimerCount()).toBe(1);
  jest.advanceTimersByTime(longestDelayMs);
  cancels[1]?.();
  expect(jest.getTimerCount()).toBe(0);
});

test('what is to run after a poll runs once what had arrived was read', async () => {
  jest.useRealTimers();
  const clock = createSystemClock();
  const directory = mkdtempSync(join(tmpdir(), 'clock-'));
  const path = join(directory, 'socket');
  const server = createServer().listen(path);
  await once(server, 'listening');
  const client = connect(path);
  const [[served]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [[Socket], unknown];
  const order: string[] = [];
  client.on('data', () => order.push('read'));
  await new Promise<void>((resolve) => {
    clock.at(clock.now(), () => {
      // The kernel has it for the other side when this returns.
      served.write('reply');
      clock.afterPoll(() => resolve(void order.push('after')));
    });
  });
  clock.stop();
  client.destroy();
  served.destroy();
  server.close();
  rmSync(directory, { recursive: true });
  expect(order).toEqual(['read', 'after']);
});
