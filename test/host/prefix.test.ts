import { expect, test } from '@jest/globals';
import { contains } from '../../src/host/prefix.ts';

test.each([
  ['192.0.2.0/24', '192.0.2.1', true],
  ['192.0.2.0/24', '192.0.2.0/24', true],
  ['192.0.2.0/24', '192.0.2.128/25', true],
  ['192.0.2.128/25', '192.0.2.0/24', false],
  ['192.0.2.128/25', '192.0.2.127', false],
  ['2001:db8::/32', '2001:db8:1::/48', true],
  ['2001:db8::/33', '2001:db8:8000::1', false],
  ['32.1.13.0/24', '2001:db8::1', false],
])('whether %s contains %s: %s', (outer, inner, expected) => {
  expect(contains(outer, inner)).toBe(expected);
});
