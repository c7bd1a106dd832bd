import { describe, expect, test } from '@jest/globals';
import type { Service } from '../../src/core/config.ts';
import { homesOf, planDirector, routesOfAddresses, type Survey } from '../../src/host/plan-director.ts';
import { formatSetting } from '../../src/host/setting.ts';
import { aConfig, aServer, aService } from '../support/build.ts';

const nowhere: Survey = { linkOfServer: new Map(), advertisedDefaults: [] };

function plan(services: readonly Partial<Service>[], survey = nowhere) {
  const config = aConfig(services.map((service) => aService(service)));
  const homes = homesOf(config, 'eth0').map(({ address, link = '' }) => ({ address, link }));
  return planDirector(config, homes, survey);
}

const lines = (...args: Parameters<typeof plan>) => plan(...args).map(formatSetting);
const by = (forwarding: 'nat' | 'dr' | 'tun', address = '10.0.0.1') => ({
  servers: [aServer(address, { forwarding })],
});
const ipv6 = { kind: 'address', protocol: 'tcp', address: '2001:db8::1', port: 80 } as const;
const marked = { kind: 'fwmark', mark: 8, family: 'ipv4' } as const;
const home = ['address 192.0.2.1 dev eth0'];

describe('the plan of a director', () => {
  test('for direct routing, is the VIP alone', () => {
    expect(lines([by('dr')])).toEqual(home);
  });

  test.each(['nat', 'tun'] as const)('for %s, forwards packets of the family', (forwarding) => {
    expect(lines([by(forwarding)])).toEqual(['net.ipv4.ip_forward = 1', ...home]);
    expect(lines([{ identity: ipv6, ...by(forwarding, '2001:db8:1::1') }])).toEqual([
      'net.ipv6.conf.all.forwarding = 1',
      'address 2001:db8::1 dev eth0',
    ]);
  });

  test('does not forward for a fallback server on the director itself', () => {
    expect(lines([{ ...by('dr'), fallbackServers: [aServer('127.0.0.1', { forwarding: 'nat' })] }])).toEqual(home);
  });

  test('keeps the default routes that routers advertise before it forwards IPv6', () => {
    const survey = { ...nowhere, advertisedDefaults: ['eth0'] };
    expect(lines([{ identity: ipv6, ...by('nat', '2001:db8:1::1') }], survey).slice(0, 2)).toEqual([
      'net.ipv6.conf.eth0.accept_ra = 2',
      'net.ipv6.conf.all.forwarding = 1',
    ]);
    expect(lines([by('nat')], survey).join()).not.toContain('accept_ra');
  });

  test('sends no redirects where clients and NAT servers are on one link', () => {
    const redirects = ['net.ipv4.conf.all.send_redirects = 0', 'net.ipv4.conf.eth0.send_redirects = 0'];
    const on = (link: string) => ({ ...nowhere, linkOfServer: new Map([['10.0.0.1', link]]) });
    expect(lines([by('nat')], on('eth0'))).toEqual(['net.ipv4.ip_forward = 1', ...redirects, ...home]);
    expect(lines([by('nat')], on('eth1'))).toEqual(['net.ipv4.ip_forward = 1', ...home]);
    expect(lines([by('dr')], on('eth0'))).toEqual(home);
  });

  test('has each VIP once, and not that of the loopback', () => {
    const identity = { kind: 'address', protocol: 'tcp', address: '127.0.0.2', port: 80 } as const;
    expect(lines([by('dr'), { name: 'ssl', ...by('dr') }, { name: 'demo', identity, ...by('dr') }])).toEqual(home);
  });
});

test('the kernel’s own routes are those of the addresses', () => {
  const homes = [
    { address: '192.0.2.1', link: 'eth0' },
    { address: '198.51.100.0/24', link: 'lo' },
  ];
  expect(routesOfAddresses(homes).map(formatSetting)).toEqual(['route local 192.0.2.1 dev eth0']);
});

describe('the marks', () => {
  test('are put on packets of the service, hosts by one rule and each network by one of its own', () => {
    const marks = [
      { addresses: ['192.0.2.10', '198.51.100.0/24', '192.0.2.9', '192.0.2.10'], protocols: ['tcp', 'udp'], ports: [] },
    ] as const;
    const [setting] = plan([{ identity: marked, marks, ...by('dr') }]);
    const rule = { service: 'web', mark: 8, family: 'ipv4', ports: [] };
    const hosts = ['192.0.2.9', '192.0.2.10'];
    expect(setting).toEqual({
      kind: 'marks',
      rules: [
        { ...rule, addresses: hosts, protocol: 'tcp' },
        { ...rule, addresses: hosts, protocol: 'udp' },
        { ...rule, addresses: ['198.51.100.0/24'], protocol: 'tcp' },
        { ...rule, addresses: ['198.51.100.0/24'], protocol: 'udp' },
      ],
    });
  });

  test('have ports in order, with those that touch or overlap as one range', () => {
    const ports = [[443, 443], [80, 80], [8000, 8100], [81, 81], [8050, 8060], [8090, 8200]] as const; // biome-ignore format: a list
    const marks = [{ addresses: ['192.0.2.9'], protocols: ['tcp'], ports }] as const;
    expect(plan([{ identity: marked, marks, ...by('dr') }])[0]).toMatchObject({
      rules: [{ ports: [[80, 81], [443, 443], [8000, 8200]] }], // biome-ignore format: a list
    });
  });

  test('bring their addresses to the interface and their networks to lo', () => {
    const marks = [{ addresses: ['192.0.2.9', '198.51.100.0/24'], protocols: ['tcp'], ports: [] }] as const;
    expect(lines([{ identity: marked, marks, ...by('dr') }]).slice(1)).toEqual([
      'address 192.0.2.9 dev eth0',
      'route local 198.51.100.0/24 dev lo',
    ]);
  });

  test('are nobody’s where a service by mark has none', () => {
    expect(lines([{ identity: marked, ...by('dr') }])).toEqual([]);
  });
});

describe('the interface of a VIP', () => {
  const linkOf = (service: Partial<Service>, named: string | undefined, configured: string | undefined) =>
    homesOf(aConfig([aService(service)], { director: { interface: configured } }), named)[0]?.link;

  test('is the one of the service, or else the one on the command line, or else the one of the director', () => {
    expect(linkOf({ interface: 'eth2' }, 'eth1', 'eth0')).toBe('eth2');
    expect(linkOf({}, 'eth1', 'eth0')).toBe('eth1');
    expect(linkOf({}, undefined, 'eth0')).toBe('eth0');
    expect(linkOf({}, undefined, undefined)).toBeUndefined();
  });
});
