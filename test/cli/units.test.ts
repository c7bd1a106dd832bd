import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openScene, type Scene, top } from './support.ts';

let scene: Scene;
beforeEach(() => {
  scene = openScene();
});
afterEach(() => scene.close());

const folder = join(top, 'config');
const commands = readdirSync(folder)
  .filter((name) => name.endsWith('.service'))
  .flatMap((name) =>
    [...readFileSync(join(folder, name), 'utf8').matchAll(/^(Exec\w+)=\/usr\/bin\/env lvsd (.+)$/gm)].map(
      ([, key = '', line = '']) => [name, key, line] as const,
    ),
  );

test('the units of systemd run lvsd, each at its start', () => {
  const started = commands.filter(([, key]) => key === 'ExecStart').map(([name]) => name);
  expect(started.sort()).toEqual(['lvsd-director.service', 'lvsd-realserver.service', 'lvsd.service']);
});

test.each(commands)('%s, %s: lvsd understands %s', async (_name, _key, line) => {
  const args = line.replace('/etc/lvsd/config.yaml', scene.configPath).split(' ');
  const { ending, stderr } = await scene.lvsd(...args);
  // It gets as far as to miss the configuration.
  expect({ ending, stderr }).toEqual({ ending: 78, stderr: expect.stringContaining(scene.configPath) });
});
