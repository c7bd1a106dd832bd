import { expect, test } from '@jest/globals';
import { type ActiveOverride, createOverrideFor } from '../../src/core/override.ts';

const server = { address: '10.0.0.1', port: 80 };

const overrideFor = (of: typeof server, active: readonly ActiveOverride[]) => createOverrideFor(active)(of);

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

test('maintenance of an address and a drain of one of its servers, or the other way round, are maintenance', () => {
  const all = [{ address: '10.0.0.1', port: undefined }];
  const one = [{ address: '10.0.0.1', port: 80 }];
  for (const [drained, maintained] of [
    [all, one],
    [one, all],
  ] as const) {
    const active: readonly ActiveOverride[] = [
      { targets: drained, action: 'drain' },
      { targets: maintained, action: 'maintenance' },
    ];
    expect(overrideFor(server, active)).toBe('maintenance');
  }
});
