import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { configSchema, formatConfigSchema } from '../../src/config/json-schema.ts';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import { formatReference } from '../../src/config/reference.ts';
import { showConfig } from '../../src/config/show.ts';
import { serviceKey } from '../../src/core/table.ts';

const top = join(__dirname, '../..');
const files = readdirSync(join(top, 'config')).filter((name) => name.endsWith('.yaml'));

describe('config/', () => {
  test('has the files that the documentation names', () => {
    expect(files).toEqual(
      ['demo', 'dr', 'example', 'monitor', 'nat', 'pcc', 'pnmpp', 'ppc', 'tun'].map((name) => `${name}.yaml`),
    );
  });

  test.each(files)('%s loads, names its schema, and shows as a file that loads to the same', async (name) => {
    const path = join(top, 'config', name);
    const config = await loadConfig(path);
    expect(readFileSync(path, 'utf8').split('\n')[0]).toBe('# yaml-language-server: $schema=lvsd.schema.json');
    expect(parseConfig(showConfig(config), 'shown.yaml')).toEqual(config);
  });

  const near = ['172.16.100.10 2', '172.16.100.11 1'];
  test.each([
    ['nat', 'TCP 172.16.100.100:80', 'nat', false, ['172.16.100.10 3', '172.16.100.11 1']],
    ['dr', 'TCP 172.16.100.100:80', 'dr', false, near],
    ['tun', 'TCP 172.16.100.100:80', 'tun', false, ['10.0.1.10 2', '10.0.2.11 1']],
    ['ppc', 'TCP 172.16.100.100:80', 'dr', true, near],
    ['pcc', 'TCP 172.16.100.100:0', 'dr', true, near],
    ['pnmpp', 'FWM 8', 'dr', true, near],
    ['monitor', 'TCP 172.16.100.100:80', 'dr', false, near],
  ])('%s.yaml is %s by %s, persistent: %s', async (name, key, forwarding, isPersistent, servers) => {
    const [service] = (await loadConfig(join(top, 'config', `${name}.yaml`))).services;
    expect(service && serviceKey(service.identity)).toBe(key);
    expect(service?.persistence?.timeoutSeconds).toBe(isPersistent ? 600 : undefined);
    expect(service?.servers.map(({ address, weight }) => `${address} ${weight}`)).toEqual(servers);
    expect(new Set(service?.servers.map((server) => server.forwarding))).toEqual(new Set([forwarding]));
  });

  test('example.yaml has every key of the schema', () => {
    const text = readFileSync(join(top, 'config/example.yaml'), 'utf8');
    const missing = [...keysOf(configSchema())].filter((key) => !new RegExp(`[\\s{]${key}:`).test(text));
    expect(missing).toEqual([]);
  });
});

describe('what is generated is current: run `npm run generate` where this fails', () => {
  test('config/lvsd.schema.json', () => {
    expect(readFileSync(join(top, 'config/lvsd.schema.json'), 'utf8')).toBe(formatConfigSchema());
  });

  test('docs/configuration.md', () => {
    expect(readFileSync(join(top, 'docs/configuration.md'), 'utf8')).toBe(formatReference());
  });
});

test('every mapping of the schema, those of the probes too, refuses unknown keys or names what its values are', () => {
  const open = [...mappingsOf(configSchema(), 'config')].filter(
    ([, schema]) => schema.additionalProperties === undefined || schema.additionalProperties === true,
  );
  expect(open.map(([path]) => path)).toEqual([]);
});

test('every key of the configuration is described, except the parts of a timing that is', () => {
  const undescribed = [...mappingsOf(configSchema(), 'config')].flatMap(([path, schema]) =>
    Object.entries((schema.properties ?? {}) as Record<string, Json>)
      .filter(([key, { description }]) => description === undefined && !/body/.test(path + key))
      .map(([key]) => `${path}.${key}`),
  );
  expect(undescribed).toEqual([]);
});

interface Json {
  readonly [key: string]: unknown;
}

function* mappingsOf(schema: unknown, path: string): Generator<readonly [string, Json]> {
  if (typeof schema !== 'object' || schema === null) return;
  const json = schema as Json;
  if (json.type === 'object') yield [path, json];
  for (const [key, value] of Object.entries(json)) yield* mappingsOf(value, `${path}.${key}`);
}

function keysOf(schema: unknown): ReadonlySet<string> {
  return new Set([...mappingsOf(schema, '')].flatMap(([, { properties }]) => Object.keys(properties ?? {})));
}
