import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { catchSignals } from '../../src/cli/signals.ts';
import { startChild } from './child.ts';
import { top } from './support.ts';

const forever = new Promise<never>(() => {});

test('work goes on until a signal that ends the agent comes, which is given afterwards too', async () => {
  const signals = catchSignals();
  try {
    expect(await signals.orEnd(Promise.resolve(7))).toBe(7);
    await expect(signals.orEnd(Promise.reject(new Error('no')))).rejects.toThrow('no');
    const outcome = signals.orEnd(forever);
    process.emit('SIGUSR1', 'SIGUSR1');
    process.emit('SIGTERM', 'SIGTERM');
    expect(await outcome).toBe('SIGTERM');
    expect(await signals.orEnd(forever)).toBe('SIGTERM');
    expect([await signals.next(), await signals.next()]).toEqual(['SIGUSR1', 'SIGTERM']);
  } finally {
    signals.release();
  }
});

test('a signal ends a process that holds signals when its work is done', async () => {
  const program = `
    import { holdSignals } from '${join(top, 'dist/src/cli/signals.js')}';
    setInterval(() => {}, 1000);
    await holdSignals(async () => {
      process.kill(process.pid, 'SIGTERM');
      await new Promise((resolve) => process.once('SIGTERM', resolve));
      console.log('done');
    });`;
  const child = startChild([process.execPath, '--input-type=module', '-e', program]);
  expect(await child.outcome).toEqual({ ending: 'SIGTERM', stdout: 'done\n', stderr: '' });
});
