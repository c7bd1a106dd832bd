import { expect, test } from '@jest/globals';
import type { Setting } from '../../src/host/setting.ts';
import { sayWithdrawn } from '../../src/host/withdrawn.ts';

const address = (vip: string, link = 'lo'): Setting => ({ kind: 'address', address: vip, link });
const route: Setting = { kind: 'route', prefix: '198.51.100.0/24', link: 'lo' };
const sysctl: Setting = { kind: 'sysctl', path: 'net/ipv4/ip_forward', value: '1' };

test('VIPs that an up takes away are named', () => {
  expect(sayWithdrawn([route, sysctl, address('192.0.2.1')], [address('192.0.2.2')])).toEqual([
    'This host serves no longer 198.51.100.0/24, 192.0.2.1, which an earlier up had set: each up has to name all VIPs',
  ]);
});

test('a VIP that has moved to another link, and what is no VIP, is not', () => {
  expect(sayWithdrawn([sysctl, address('192.0.2.1', 'eth0')], [address('192.0.2.1', 'eth1')])).toEqual([]);
});
