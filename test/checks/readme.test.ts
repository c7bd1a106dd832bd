import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { probes } from '../../checks/index.ts';
import { runOf } from '../support/probing.ts';
import { bestiary, silence } from '../support/servers/behaviours.ts';
import { listen } from '../support/servers/listen.ts';
import { banner } from './banner.ts';

const root = join(__dirname, '../..');
const readme = readFileSync(join(root, 'checks/README.md'), 'utf8');

test('the example of the README is the probe that is compiled and tried here', () => {
  const here = readFileSync(join(__dirname, 'banner.ts'), 'utf8');
  const asInChecks = here.replaceAll("'../../checks/", "'./").replaceAll("'../../src/", "'../src/");
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(linesOf(example)).toEqual(linesOf(asInChecks));
});

test('the README names every probe', () => {
  for (const { type } of probes) expect(readme).toContain(`\`${type}.ts\``);
});

test.each([
  [bestiary.banner, 'SSH-2.0-', 'L7OK'],
  [bestiary.banner, '220 ', 'L7RSP'],
  [bestiary.resetAtAccept, '220 ', 'L4CON or L7RSP'],
])('the example sees what a server greets with', async (behaviour, begin, reasons) => {
  const listening = await listen(behaviour);
  const { reason } = await runOf(banner, listening.target, { begin });
  expect(reasons).toContain(reason);
  await listening.idle();
  await listening.close();
});

test('the example times out on a server that does not greet', async () => {
  const listening = await listen(silence);
  const run = runOf(banner, listening.target, { begin: '220 ' }, AbortSignal.timeout(50));
  expect((await run).reason).toBe('L7TOUT');
  await listening.idle();
  await listening.close();
});

/** Import lines sort differently with the paths. */
function linesOf(source: string): readonly string[] {
  const lines = source.trim().split('\n');
  const imports = lines.filter((line) => line.startsWith('import '));
  return [...imports.sort(), ...lines.filter((line) => !line.startsWith('import '))];
}
