import { expect, jest, test } from '@jest/globals';
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

test('a program that is not there is an error', async () => {
  await expect(run('lvsd-nonesuch', [])).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a program that has ended, or is not there, leaves nothing to wait for', async () => {
  const set = jest.spyOn(globalThis, 'setTimeout');
  const cleared = jest.spyOn(globalThis, 'clearTimeout');
  const limitMs = 12_345;
  await run('true', [], { limitMs });
  await run('lvsd-nonesuch', [], { limitMs }).catch(() => {});
  const limits = set.mock.results.filter((_, index) => set.mock.calls[index]?.[1] === limitMs);
  expect(limits).toHaveLength(2);
  for (const { value } of limits) expect(cleared).toHaveBeenCalledWith(value as NodeJS.Timeout);
  jest.restoreAllMocks();
});
