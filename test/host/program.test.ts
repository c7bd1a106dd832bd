import { expect, test } from '@jest/globals';
import { run } from '../../src/host/program.ts';

test('what a program says and how it ends is told', async () => {
  expect(await run('sh', ['-c', 'echo a; echo b >&2; exit 3'])).toEqual({
    code: 3,
    isLate: false,
    output: 'a\n',
    complaint: 'b\n',
  });
});

test('a program that does not end is killed', async () => {
  expect(await run('sleep', ['60'], { limitMs: 20 })).toEqual({ code: null, isLate: true, output: '', complaint: '' });
});

test('one that something else kills is not late', async () => {
  expect(await run('sh', ['-c', 'kill -9 $$'])).toMatchObject({ code: null, isLate: false });
});

test('a program that is not there is an error, and leaves nothing to wait for', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  await expect(run('lvsd-nonesuch', [])).rejects.toMatchObject({ code: 'ENOENT' });
  expect(timers()).toBe(before);
});
