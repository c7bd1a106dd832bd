import { expect, test } from '@jest/globals';
import { ManualDeadline } from '../../src/run/deadline.ts';

test('a deadline that passes tells who waits, once, and aborts the signal', () => {
  const deadline = new ManualDeadline();
  const { signal } = deadline;
  let told = 0;
  deadline.onOver = () => told++;
  expect([deadline.isOver, signal.aborted]).toEqual([false, false]);
  deadline.pass();
  deadline.pass();
  expect([deadline.isOver, signal.aborted, told]).toEqual([true, true, 1]);
  expect(deadline.signal).toBe(signal);
});

test('a signal that is asked for when the time is up has aborted', () => {
  const deadline = new ManualDeadline();
  deadline.pass();
  expect(deadline.signal.aborted).toBe(true);
});
