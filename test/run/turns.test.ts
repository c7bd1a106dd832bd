import { expect, test } from '@jest/globals';
import { createSlices, createTurns } from '../../src/run/turns.ts';

/** What is put off until the sockets were read, and how it goes on. */
function createPolling() {
  const polled: (() => void)[] = [];
  const poll = async () => {
    for (const run of polled.splice(0)) run();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { afterPoll: (run: () => void) => void polled.push(run), poll, polled };
}

/** One turn each for a, b and c, and none left. */
async function expectTurns({ poll, polled }: ReturnType<typeof createPolling>, had: readonly string[]): Promise<void> {
  const seen: string[] = [];
  for (let count = 0; count < 3; count++) {
    await poll();
    seen.push(had.join(''));
  }
  expect(seen).toEqual(['a', 'ab', 'abc']);
  expect(polled).toEqual([]);
}

test('each who asks has a turn of its own, in order', async () => {
  const polling = createPolling();
  const turns = createTurns(polling);
  const had: string[] = [];
  for (const name of ['a', 'b', 'c']) void turns.next().then(() => had.push(name));
  expect(had).toEqual([]);
  await expectTurns(polling, had);
});

test('who asks in a turn has the one after those that wait', async () => {
  const polling = createPolling();
  const turns = createTurns(polling);
  const had: string[] = [];
  turns.take(() => {
    had.push('a');
    turns.take(() => had.push('c'));
  });
  turns.take(() => had.push('b'));
  await expectTurns(polling, had);
});

test('work waits for a turn once it has taken long since it last had one', async () => {
  let nowMs = 0;
  let given = 0;
  const next = async () => {
    given += 1;
  };
  const slices = createSlices({ next }, { now: () => nowMs });
  slices.begin();
  const seen: number[] = [];
  for (const tookMs of [4, 4, 4, 4, 20]) {
    nowMs += tookMs;
    await slices.pass();
    seen.push(given);
  }
  expect(seen).toEqual([0, 0, 1, 1, 2]);
});
