import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { familyOf, formatEndpoint, ipFromBytes, ipToBytes, parseEndpoint, parseIp } from '../../src/core/address.ts';

describe('parseIp', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['fd00:0:0::1', 'fd00::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::', '::'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ])('reads %s as %s', (text, value) => {
    expect(parseIp(text)).toEqual({ ok: true, value });
  });

  test.each([
    '127.1',
    '010.0.0.1',
    '0x7f.1',
    '0177.0.0.1',
    '2130706433',
    '1.2.3.04',
    '1.2.3.256',
    ' 10.0.0.1',
    '10.0.0.1 ',
    '',
    'localhost',
    'www.example.org',
    '::ffff:10.0.0.1',
    '::ffff:0a00:0001',
    'fe80::1%eth0',
    '1::2::3',
    '-1.2.3.4',
  ])('refuses %j with a reason', (text) => {
    expect(parseIp(text)).toEqual({ ok: false, reason: expect.stringContaining(`'${text}'`) });
  });

  test('says how to write a short or octal form', () => {
    expect(parseIp('010.0.0.1')).toMatchObject({ reason: expect.stringContaining('all four parts in decimal') });
  });
});

describe('parseEndpoint', () => {
  test.each([
    ['10.0.0.1:80', '10.0.0.1', 80],
    ['10.0.0.1', '10.0.0.1', undefined],
    ['10.0.0.1:0', '10.0.0.1', 0],
    ['[2001:db8::0:1]:53', '2001:db8::1', 53],
    ['[2001:db8::1]', '2001:db8::1', undefined],
    ['2001:db8::1', '2001:db8::1', undefined],
  ])('reads %s', (text, address, port) => {
    expect(parseEndpoint(text)).toEqual({ ok: true, value: { address, port } });
  });

  test.each([
    '10.0.0.1:',
    '10.0.0.1:65536',
    '10.0.0.1:08',
    '10.0.0.1:80x',
    '[::1]:',
    '[::1',
    '[10.0.0.1.5]:1',
    ':80',
    '[]:1',
  ])('refuses %j', (text) => {
    expect(parseEndpoint(text).ok).toBe(false);
  });

  test('reads back what formatEndpoint writes, for any address and port', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), v6()), fc.integer({ min: 0, max: 65535 }), (address, port) => {
        expect(parseEndpoint(formatEndpoint({ address, port }))).toEqual({ ok: true, value: { address, port } });
      }),
    );
  });
});

test('an address survives its bytes, in either family', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), v6()), (address) => {
      expect(ipFromBytes(ipToBytes(address))).toBe(address);
      expect(ipToBytes(address)).toHaveLength(familyOf(address) === 'ipv4' ? 4 : 16);
    }),
  );
});

/** Canonical IPv6 text that is not an IPv4 address in disguise. */
function v6(): fc.Arbitrary<string> {
  return fc
    .ipV6()
    .map(parseIp)
    .filter((parsed) => parsed.ok)
    .map((parsed) => (parsed.ok ? parsed.value : ''));
}
