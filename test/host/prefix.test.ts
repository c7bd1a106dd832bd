import { expect, test } from '@jest/globals';
import { contains, isBroadcastOf, splitPrefix } from '../../src/host/prefix.ts';

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

test.each([
  ['10.20.0.1/24', '10.20.0.255', true],
  ['10.20.0.1/16', '10.20.0.255', false],
  ['10.20.0.1/16', '10.20.255.255', true],
  ['10.20.0.1/24', '10.21.0.255', false],
  ['10.20.0.1/30', '10.20.0.3', true],
  ['10.20.0.2/31', '10.20.0.3', false],
  ['10.20.0.255/32', '10.20.0.255', false],
  ['2001:db8::1/120', '2001:db8::ff', false],
])('whether hosts of %s call each other by %s: %s', (prefix, address, expected) => {
  expect(isBroadcastOf(splitPrefix(prefix), address)).toBe(expected);
});
