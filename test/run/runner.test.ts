import { describe, expect, test } from '@jest/globals';
import { defineProbe, type Probe, Unlearned } from '../../checks/probe.ts';
import { z } from '../../src/config/fields.ts';
import { fail, type Observation, pass } from '../../src/core/observation.ts';
import { createRunner, runOf } from '../../src/run/runner.ts';
import { aCheck } from '../support/build.ts';
import { createSimulatedClock } from '../support/clock.ts';

const check = aCheck({ timeoutMs: 1000 });

function probe(run: (signal: AbortSignal) => Promise<Observation>): Probe {
  return defineProbe({
    type: 'test',
    summary: 'A test',
    needsPort: false,
    options: z.object({}),
    run: (_target, _options, { signal }) => run(signal),
  });
}

/** Answers as soon as it is told that its time is up. */
const silent = probe(async (signal) => {
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  return fail('L4TOUT', 'no answer');
});

describe('a runner', () => {
  test('hands on what the probe saw, and how long it took', async () => {
    const clock = createSimulatedClock();
    const slow = probe(async () => {
      await new Promise<void>((resolve) => clock.at(250, resolve));
      return pass('L4OK', 'connected');
    });
    const run = runOf(createRunner(clock), slow, check);
    await clock.advance(500);
    expect(await run).toEqual({
      result: { kind: 'observation', observation: pass('L4OK', 'connected') },
      durationMs: 250,
    });
    expect(clock.pending()).toBe(0);
  });

  test('ends a probe at its deadline', async () => {
    const clock = createSimulatedClock();
    const run = runOf(createRunner(clock), silent, check);
    await clock.advance(1000);
    expect(await run).toMatchObject({ result: { observation: { reason: 'L4TOUT' } }, durationMs: 1000 });
    expect(clock.pending()).toBe(0);
  });

  test('ends each of many probes at its own deadline, however they began and whichever have ended', async () => {
    const clock = createSimulatedClock();
    const runner = createRunner(clock);
    const ended: [name: string, atMs: number][] = [];
    const start = (name: string, timeoutMs: number, subject = silent) =>
      void runOf(runner, subject, aCheck({ timeoutMs })).then(() => ended.push([name, clock.now()]));
    start('first', 1000);
    start('short', 300);
    await clock.advance(100);
    start(
      'quick',
      1000,
      probe(async () => pass('L4OK', 'connected')),
    );
    start('second', 1000);
    await clock.advance(0.3);
    start('third', 1000);
    await clock.advance(5000);
    expect(ended).toEqual([
      ['quick', 100],
      ['short', 300],
      ['first', 1000],
      ['second', 1100],
      ['third', 1100.3],
    ]);
    expect(clock.pending()).toBe(0);
  });

  test('does not count a reply as late that had arrived by the deadline', async () => {
    const clock = createSimulatedClock();
    let reply = () => {};
    const atOf: typeof clock.at = (timeMs, judge) =>
      clock.at(timeMs, () => {
        // It has arrived when the timer goes off, and is read in the poll that follows.
        clock.afterPoll(reply);
        judge();
      });
    const answered = probe(
      (signal) =>
        new Promise((resolve) => {
          reply = () => resolve(pass('L4OK', 'connected'));
          signal.addEventListener('abort', () => resolve(fail('L4TOUT', 'no answer')));
        }),
    );
    const run = runOf(createRunner({ ...clock, at: atOf }), answered, check);
    await clock.advance(1000);
    expect(await run).toMatchObject({ result: { observation: { pass: true } }, durationMs: 1000 });
  });

  test('grants the time that this process lost three times, and then judges', async () => {
    const clock = createSimulatedClock();
    const run = runOf(createRunner(clock), silent, check);
    let ended = -1;
    void run.then(() => {
      ended = clock.now();
    });
    for (let stall = 0; stall < 10 && ended < 0; stall++) {
      clock.stall(2000);
      await clock.advance(100);
    }
    expect(ended).toBeGreaterThan(4000);
    expect(ended).toBeLessThan(12_000);
    expect(await run).toMatchObject({ result: { observation: { reason: 'L4TOUT' } } });
  });

  test('takes a failure across a stall for inconclusive, but believes a pass', async () => {
    const outcome = async (observation: Observation) => {
      const clock = createSimulatedClock();
      const answered = probe(async () => {
        await new Promise<void>((resolve) => clock.at(100, resolve));
        return observation;
      });
      const run = runOf(createRunner(clock), answered, check);
      clock.stall(600);
      await clock.advance(0);
      return (await run).result;
    };
    expect(await outcome(fail('L7RSP', 'reset'))).toMatchObject({ inconclusive: { code: 'STALLED' } });
    expect(await outcome(pass('L7OK', 'status 200'))).toMatchObject({ observation: { pass: true } });
  });

  test.each([
    [new Unlearned('EMFILE', 'No descriptors'), 'EMFILE'],
    [new TypeError('a bug'), 'EPROBE'],
  ])('takes %s for inconclusive', async (error, code) => {
    const run = runOf(
      createRunner(createSimulatedClock()),
      probe(() => Promise.reject(error)),
      check,
    );
    expect(await run).toMatchObject({ result: { kind: 'inconclusive', inconclusive: { code } } });
  });

  test('does not wait for ever for a probe that does not end', async () => {
    const clock = createSimulatedClock();
    const stuck = probe(() => new Promise(() => {}));
    const run = runOf(createRunner(clock), stuck, check);
    await clock.advance(2000);
    expect(await run).toMatchObject({ result: { inconclusive: { code: 'ETIMEDOUT' } } });
  });

  test('ends at once when the agent stops', async () => {
    const clock = createSimulatedClock();
    const runner = createRunner(clock);
    const run = runOf(runner, silent, check);
    runner.stop();
    expect(await run).toMatchObject({ result: { kind: 'inconclusive' }, durationMs: 0 });
    expect(clock.pending()).toBe(0);
  });
});
