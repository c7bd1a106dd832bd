import { expect, test } from '@jest/globals';
import { overrideFor } from '../../src/core/override.ts';

const server = { address: '10.0.0.1', port: 80 };

test('an override without a port covers every server of the address', () => {
  const active = [{ targets: [{ address: '10.0.0.1', port: undefined }], action: 'drain' as const }];
  expect(overrideFor(server, active)).toBe('drain');
  expect(overrideFor({ address: '10.0.0.1', port: 443 }, active)).toBe('drain');
  expect(overrideFor({ address: '10.0.0.2', port: 80 }, active)).toBeUndefined();
});

test('an override with a port covers that server alone', () => {
  const active = [{ targets: [{ address: '10.0.0.1', port: 443 }], action: 'drain' as const }];
  expect(overrideFor(server, active)).toBeUndefined();
  expect(overrideFor({ ...server, port: 443 }, active)).toBe('drain');
});

test('maintenance is stronger than a drain, in any order', () => {
  const targets = [{ address: '10.0.0.1', port: undefined }];
  const drain = { targets, action: 'drain' as const };
  const maintenance = { targets, action: 'maintenance' as const };
  expect(overrideFor(server, [drain, maintenance])).toBe('maintenance');
  expect(overrideFor(server, [maintenance, drain])).toBe('maintenance');
});
