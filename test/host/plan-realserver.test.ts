import { describe, expect, test } from '@jest/globals';
import type { Tunnel } from '../../src/core/table.ts';
import { planRealserver, type Vip } from '../../src/host/plan-realserver.ts';
import { formatSetting } from '../../src/host/setting.ts';
import { vipsOfServer } from '../../src/host/vips.ts';
import { aConfig, aServer, aService } from '../support/build.ts';

const lines = (...args: Parameters<typeof planRealserver>) => planRealserver(...args).map(formatSetting);
const dr = (address: string): Vip => ({ address, method: 'dr' });
const tun = (address: string): Vip => ({ address, method: 'tun' });

const arp = [
  'net.ipv4.conf.all.arp_ignore = 1',
  'net.ipv4.conf.all.arp_announce = 2',
  'net.ipv4.conf.lo.arp_ignore = 1',
  'net.ipv4.conf.lo.arp_announce = 2',
];

describe('the plan of a real server', () => {
  test('by direct routing, has the VIP on lo once nobody is told of it', () => {
    expect(lines([dr('192.0.2.1')])).toEqual([...arp, 'address 192.0.2.1 dev lo']);
  });

  test('with IPv6 alone, touches no ARP', () => {
    expect(lines([dr('2001:db8::1')])).toEqual(['address 2001:db8::1 dev lo']);
    expect(lines([tun('2001:db8::1')])).toEqual([
      'tunnel ip6tnl0 type ip6tnl',
      'link ip6tnl0 up',
      'address 2001:db8::1 dev ip6tnl0',
    ]);
  });

  test('by tunnel, has one device a family, without a strict rp_filter', () => {
    expect(lines([tun('192.0.2.1'), tun('192.0.2.2'), tun('2001:db8::1')])).toEqual([
      'tunnel tunl0 type ipip',
      'tunnel ip6tnl0 type ip6tnl',
      ...arp,
      'net.ipv4.conf.tunl0.rp_filter = 2',
      'link tunl0 up',
      'link ip6tnl0 up',
      'address 192.0.2.1 dev tunl0',
      'address 192.0.2.2 dev tunl0',
      'address 2001:db8::1 dev ip6tnl0',
    ]);
  });

  test('takes the device that is named, as what it is', () => {
    expect(lines([tun('192.0.2.1'), tun('2001:db8::1')], { link: 'any.6', type: 'ip6tnl' })).toEqual([
      'tunnel any.6 type ip6tnl',
      ...arp,
      'net.ipv4.conf.any/6.rp_filter = 2',
      'link any.6 up',
      'address 192.0.2.1 dev any.6',
      'address 2001:db8::1 dev any.6',
    ]);
    expect(lines([tun('192.0.2.1')], { link: 'lvs0' })[0]).toBe('tunnel lvs0 type ipip');
  });

  const from = (server: string, address: string, tunnel?: Tunnel): Vip => ({ ...tun(address), server, tunnel });
  const gre = { type: 'gre', checksum: 'none' } as const;
  const gue = { type: 'gue', port: 6080, checksum: 'none' } as const;

  test.each([
    [from('10.0.0.1', '2001:db8::1'), 'tunnel sit0 type sit'],
    [from('2001:db8:1::1', '2001:db8::1'), 'tunnel ip6tnl0 type ip6tnl'],
    [from('10.0.0.1', '192.0.2.1', gre), 'tunnel gre0 type gre'],
    [from('2001:db8:1::1', '192.0.2.1', gre), 'tunnel ip6gre0 type ip6gre'],
  ])('has the device that takes %j', (vip, line) => {
    expect(lines([vip])[0]).toBe(line);
  });

  test.each([
    [from('10.0.0.1', '192.0.2.1', gue), "run 'ip fou add port 6080 gue'.* --device tunl0"],
    [from('10.0.0.1', '192.0.2.1', { ...gre, checksum: 'checksum' }), "type gre icsum local 10.0.0.1'"],
    [from('2001:db8:1::1', '192.0.2.1'), "'ip link add lvs0 type ip6tnl mode any local 2001:db8:1::1'"],
  ])('says what is to be made by hand for %j, and takes what is there', (vip, advice) => {
    expect(() => lines([vip])).toThrow(new RegExp(advice));
    expect(lines([vip], { link: 'lvs0', type: 'ipip' })[0]).toBe('tunnel lvs0 type ipip');
  });

  test('needs a device for IP in IP behind GUE that was set up by hand', () => {
    expect(lines([from('10.0.0.1', '192.0.2.1', gue)], { link: 'tunl0' })[0]).toBe('tunnel tunl0 type ipip');
  });

  test('leaves alone an arp_ignore that answers even less', () => {
    const [ignore] = planRealserver([dr('192.0.2.1')]);
    expect(ignore).toMatchObject({ path: 'net/ipv4/conf/all/arp_ignore', accepted: ['2', '8'] });
  });

  test('takes a whole network by a route, for a network is no address', () => {
    expect(lines([tun('198.51.100.0/24')])).toContain('route local 198.51.100.0/24 dev lo');
  });
});

describe('the VIPs that a configuration has for a host', () => {
  const mine = '10.0.0.1';
  const vips = (...services: Parameters<typeof aService>[0][]) =>
    vipsOfServer(aConfig(services.map(aService)), new Set([mine, '2001:db8::1']));

  test('are those of services that it serves by dr or tun, each once', () => {
    expect(
      vips(
        { servers: [aServer(mine, { forwarding: 'dr' })] },
        { name: 'again', servers: [aServer(mine, { forwarding: 'dr' })] },
        { name: 'by-tunnel', servers: [], fallbackServers: [aServer(mine, { forwarding: 'tun' })] },
      ),
    ).toEqual([dr('192.0.2.1'), { ...tun('192.0.2.1'), server: mine }]);
  });

  test('tell the tunnel that the director sends them by', () => {
    const tunnel = { type: 'gre', checksum: 'none' } as const;
    expect(vips({ servers: [aServer(mine, { forwarding: 'tun', tunnel })] })).toMatchObject([{ server: mine, tunnel }]);
  });

  test('are not those of NAT, and not those of other servers', () => {
    expect(
      vips({ servers: [aServer(mine, { forwarding: 'nat' }), aServer('10.0.0.2', { forwarding: 'dr' })] }),
    ).toEqual([]);
  });

  test('are those that get the mark, for a service by mark', () => {
    const marks = [{ addresses: ['192.0.2.7', '198.51.100.0/24'], protocols: ['tcp'] as const, ports: [] }];
    const identity = { kind: 'fwmark', mark: 8, family: 'ipv4' } as const;
    expect(vips({ identity, marks, servers: [aServer(mine, { forwarding: 'dr' })] })).toEqual([
      dr('192.0.2.7'),
      dr('198.51.100.0/24'),
    ]);
  });
});
