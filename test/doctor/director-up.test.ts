import { expect, test } from '@jest/globals';
import { parseConfig } from '../../src/config/load.ts';
import { directorUp } from '../../src/doctor/director-up.ts';
import { facts } from './support.ts';

const service = { name: 'near', address: '192.0.2.81:80', servers: ['10.0.0.7'] };
const configOf = (services: readonly object[], more: object = {}) =>
  parseConfig(JSON.stringify({ version: 1, ...more, services }), 'c.yaml');

test.each([
  ['/etc/lvsd/config.yaml', '/etc/lvsd/config.yaml'],
  ['/tmp/my file', `'/tmp/my file'`],
  [`it's`, `'it'\\''s'`],
])('the file %s is one word of the shell', (file, word) => {
  const config = configOf([service], { director: { interface: 'eth0' } });
  expect(directorUp(facts(), config, file)).toBe(`lvsd director up -c ${word}`);
});

test('one interface for all that name none is told, and left to the operator where they differ', () => {
  const other = { ...service, name: 'other', address: '10.0.0.80:80' };
  expect(directorUp(facts(), configOf([service]), 'c')).toBe('lvsd director up -c c --interface eth0');
  expect(directorUp(facts(), configOf([service, other]), 'c')).toBe('lvsd director up -c c --interface NAME');
  const named = { ...other, interface: 'eth1' };
  expect(directorUp(facts(), configOf([service, named]), 'c')).toBe('lvsd director up -c c --interface eth0');
});
