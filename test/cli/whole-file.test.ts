import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openScene, type Scene, top } from './support.ts';

let scene: Scene;
let directory: string;
beforeEach(() => {
  scene = openScene();
  directory = join(scene.directory, 'state');
});
afterEach(() => scene.close());

/** In a process of its own, prints `ok` or the code of the error. The shell's unit is 1024 bytes. */
async function replace(bytes: number, mostKib: number | 'unlimited' = 'unlimited'): Promise<string> {
  const program = `
    process.on('SIGXFSZ', () => {});
    const { replaceFile } = await import('${join(top, 'dist/src/run/whole-file.js')}');
    try {
      replaceFile('${directory}', 'a.json', 'x'.repeat(${bytes}));
      console.log('ok');
    } catch ({ code }) {
      console.log(code);
    }`;
  const limited = ['bash', '-c', `ulimit -f ${mostKib}; exec "$@"`, 'bash'];
  const { stdout } = await scene.start([...limited, process.execPath, '--input-type=module', '-e', program]).outcome;
  return stdout.trim();
}

const lengthOfFile = () => readFileSync(join(directory, 'a.json')).length;

test('a file of which the system takes a part alone is an error, and the old one stays as it is', async () => {
  expect(await replace(5000)).toBe('ok');
  // As on a device that is nearly full: 8192 bytes are written, and the rest is refused.
  expect(await replace(10_000, 8)).toBe('EFBIG');
  expect(lengthOfFile()).toBe(5000);
  expect(readdirSync(directory)).toEqual(['a.json']);
  expect(await replace(10_000)).toBe('ok');
  expect(lengthOfFile()).toBe(10_000);
});

test('where a directory has the name, nothing else is left behind', async () => {
  mkdirSync(join(directory, 'a.json'), { recursive: true });
  expect(await replace(1)).toBe('EISDIR');
  expect(readdirSync(directory)).toEqual(['a.json']);
});
