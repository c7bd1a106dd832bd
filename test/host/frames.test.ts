import { expect, test } from '@jest/globals';
import { arpAnnouncement, everybodyByArp, everybodyByIpv6, neighbourAdvertisement } from '../../src/host/frames.ts';
import type { Link } from '../../src/host/rt-link.ts';

const link: Link = {
  index: 258,
  name: 'eth0',
  isUp: true,
  hasNeighbours: true,
  hardwareAddress: Uint8Array.of(2, 0, 0, 0, 0, 0x99),
  type: undefined,
};
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('an announcement by ARP asks for the address from the address (RFC 5227)', () => {
  expect(hex(arpAnnouncement('192.0.2.1', link))).toBe(
    ['0001', '0800', '06', '04', '0001', '020000000099', 'c0000201', '000000000000', 'c0000201'].join(''),
  );
});

test('an advertisement overrides, and says whether it is from a router (RFC 4861)', () => {
  const target = '20010db8000000000000000000000001';
  const option = '0201020000000099';
  expect(hex(neighbourAdvertisement('2001:db8::1', link, false))).toBe(`8800000020000000${target}${option}`);
  expect(hex(neighbourAdvertisement('2001:db8::1', link, true))).toBe(`88000000a0000000${target}${option}`);
});

test('both go to everybody on the link', () => {
  expect(hex(everybodyByArp(link))).toBe('110008060201000000000006ffffffffffff0000');
  expect(hex(everybodyByIpv6(link))).toBe(`0a00${'0000'}${'00000000'}ff02${'00'.repeat(13)}01${'02010000'}`);
});
