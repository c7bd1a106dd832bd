import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
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

test('a program that is not there is an error', async () => {
  await expect(run('lvsd-nonesuch', [])).rejects.toMatchObject({ code: 'ENOENT' });
});

test.each(['true', 'lvsd-nonesuch'])('nothing is left to wait for after %s', (program) => {
  const path = join(__dirname, '../../dist/src/host/program.js');
  const code = `import(${JSON.stringify(path)}).then(({ run }) => run('${program}', [])).catch(() => {})`;
  expect(spawnSync(process.execPath, ['-e', code], { timeout: 15_000 })).toMatchObject({ status: 0, signal: null });
});
