import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { checkConfigFile, showConfigFile, showConfigSchema } from '../../src/cli/config.ts';
import { parseConfig } from '../../src/config/load.ts';

const top = join(__dirname, '../..');
const good = join(top, 'config/dr.yaml');
const bad = join(top, 'test/bad-config/unknown-key.yaml');

test('config check says nothing of a good file and ends with 0', async () => {
  expect(await checkConfigFile(good)).toEqual({ output: '', exitCode: 0 });
});

test('config check and config show print the mistakes of a bad file and end with 78', async () => {
  const output = `${bad}:6:30: services[0].servers[0].wieght: unknown key 'wieght': did you mean 'weight'?\n`;
  expect(await checkConfigFile(bad)).toEqual({ output, exitCode: 78 });
  expect(await showConfigFile(bad)).toEqual({ output, exitCode: 78 });
});

test('config show prints a configuration that can be loaded', async () => {
  const { output, exitCode } = await showConfigFile(good);
  expect(exitCode).toBe(0);
  expect(parseConfig(output, 'shown.yaml').services).toHaveLength(1);
});

test('config schema prints JSON Schema', () => {
  expect(JSON.parse(showConfigSchema().output)).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
  });
});
