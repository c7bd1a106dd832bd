import { expect, test } from '@jest/globals';
import { createTurns } from '../../src/run/turns.ts';
import { createSimulatedClock } from '../support/clock.ts';

test('others have their turn once the work has taken long since they last had it', async () => {
  let nowMs = 0;
  let polls = 0;
  const afterPoll = (run: () => void) => {
    polls += 1;
    run();
  };
  const turns = createTurns({ now: () => nowMs, afterPoll });
  turns.begin();
  const seen: number[] = [];
  for (const tookMs of [4, 4, 4, 4, 20]) {
    nowMs += tookMs;
    await turns.pass();
    seen.push(polls);
  }
  expect(seen).toEqual([0, 0, 1, 1, 2]);
});

test('work that took long waits until the sockets were read', async () => {
  const clock = createSimulatedClock();
  const turns = createTurns(clock);
  turns.begin();
  clock.stall(10);
  let isDone = false;
  const passing = turns.pass().then(() => {
    isDone = true;
  });
  await Promise.resolve();
  expect(isDone).toBe(false);
  await clock.settle();
  await passing;
  expect(isDone).toBe(true);
});
