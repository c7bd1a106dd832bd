import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const top = join(__dirname, '..');
const handbook = readFileSync(join(top, 'docs/handbook.md'), 'utf8');

test('each output that the handbook shows is compared in the guest, and none is compared that it does not show', () => {
  const shown = [...handbook.matchAll(/^<!-- output: ([\w-]+) -->\n```\n[^`]/gm)].map(([, name]) => name);
  const compared = textsIn('test/kernel', '.test.ts').flatMap((text) =>
    [...text.matchAll(/expectInHandbook\('([\w-]+)'/g)].map(([, name]) => name),
  );
  expect(shown.length).toBeGreaterThan(10);
  expect([...shown].sort()).toEqual([...compared].sort());
});

test('what the handbook shows of a configuration is what the file says', () => {
  const excerpts = [...handbook.matchAll(/^```yaml\n(.*?)```/gms)].map(([, text = '']) => text);
  const files = textsIn('config', '.yaml');
  expect(excerpts.length).toBeGreaterThan(1);
  expect(excerpts.filter((excerpt) => !files.some((file) => file.includes(excerpt)))).toEqual([]);
});

function textsIn(folder: string, ending: string): readonly string[] {
  const names = readdirSync(join(top, folder)).filter((name) => name.endsWith(ending));
  return names.map((name) => readFileSync(join(top, folder, name), 'utf8'));
}
