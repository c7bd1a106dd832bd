import { describe, expect, test } from '@jest/globals';
import { first, issuesOf, load, loadCheck, loadServer, loadService, serviceText } from './support.ts';

const minimal = serviceText('address: 10.0.0.100:80, servers: [10.0.0.1]');

describe('defaults', () => {
  test('a service of a name, an address and a server has all the rest filled in', () => {
    expect(load(minimal)).toEqual({
      agent: {
        metricsListen: { host: '127.0.0.1', port: 9975 },
        metricsDetail: 'check',
        adminSocket: '/run/lvsd/admin.sock',
        logFormat: 'auto',
        logLevel: 'info',
        transitionFile: undefined,
        reconcileIntervalMs: 5000,
        onDrift: 'repair',
        onStop: 'leave',
        stateDir: '/var/lib/lvsd',
      },
      settings: { timeouts: { tcpSeconds: 0, tcpFinSeconds: 0, udpSeconds: 0 }, daemons: [] },
      director: { interface: undefined },
      services: [
        {
          name: 'web',
          identity: { kind: 'address', protocol: 'tcp', address: '10.0.0.100', port: 80 },
          interface: undefined,
          marks: [],
          scheduler: 'wlc',
          schedulerFlags: [],
          isOnePacket: false,
          persistence: undefined,
          onFailure: 'remove',
          failOpen: { when: 'all_down' },
          servers: [
            {
              address: '10.0.0.1',
              port: 80,
              forwarding: 'nat',
              weight: 1,
              upperThreshold: 0,
              lowerThreshold: 0,
              checks: [
                {
                  name: 'tcp',
                  type: 'tcp',
                  target: { address: '10.0.0.1', port: 80 },
                  options: { close: 'rst', watch: false },
                  intervalMs: 5000,
                  timeoutMs: 1000,
                  retryIntervalMs: 500,
                  fall: 3,
                  rise: 2,
                  jitter: 0.1,
                  isWatched: false,
                },
              ],
            },
          ],
          fallbackServers: [],
        },
      ],
      maintenance: [],
    });
  });

  test('of the file reach every service that does not say otherwise', () => {
    const { services } = load(`
version: 1
defaults: { protocol: udp, scheduler: rr, forwarding: g, weight: 5, on_failure: quiesce, fail_open: never }
services:
  - { name: one, address: 10.0.0.100:53, servers: [10.0.0.1] }
  - { name: two, address: 10.0.0.101:53, protocol: sctp, scheduler: sh, forwarding: i, weight: 6, on_failure: remove,
      fail_open: { below: 50% }, servers: [{ address: 10.0.0.1, weight: 7, forwarding: m }, 10.0.0.2] }
`);
    expect(services).toMatchObject([
      {
        identity: { protocol: 'udp' },
        scheduler: 'rr',
        onFailure: 'quiesce',
        failOpen: { when: 'never' },
        servers: [{ forwarding: 'dr', weight: 5 }],
      },
      {
        identity: { protocol: 'sctp' },
        scheduler: 'sh',
        onFailure: 'remove',
        failOpen: { when: 'below', share: 0.5 },
        servers: [
          { forwarding: 'nat', weight: 7 },
          { forwarding: 'tun', weight: 6 },
        ],
      },
    ]);
  });

  test('of timing give way key by key: to the defaults, to the service, to the check', () => {
    const check = loadCheck(
      'address: 10.0.0.100:80, check: { interval: 3s, fall: 4 }, checks: [{ type: tcp, fall: 5 }], servers: [10.0.0.1]',
      'defaults: { check: { interval: 2s, timeout: 2s, fall: 2 } }',
    );
    expect(check).toMatchObject({ intervalMs: 3000, timeoutMs: 2000, fall: 5, rise: 2, retryIntervalMs: 500 });
  });
});

describe('words', () => {
  test.each([
    ['m', 'nat'],
    ['masq', 'nat'],
    ['NAT', 'nat'],
    ['g', 'dr'],
    ['gate', 'dr'],
    ['i', 'tun'],
    ['ipip', 'tun'],
    ['tun', 'tun'],
  ])('forwarding %s means %s', (word, forwarding) => {
    expect(loadServer(`address: 10.0.0.100:80, forwarding: ${word}, servers: [10.0.0.1]`)).toMatchObject({
      forwarding,
    });
  });

  test.each([
    ['sh', 'sh-port', ['flag-2']],
    ['sh', 'sh-port, sh-fallback', ['flag-1', 'flag-2']],
    ['mh', 'mh-port, mh-fallback, mh-port', ['flag-1', 'flag-2']],
    ['wrr', 'flag-3, flag-1', ['flag-1', 'flag-3']],
  ])('the flags of %s, %s, are %j', (name, flags, expected) => {
    const service = loadService(
      `address: 10.0.0.100:80, scheduler: { name: ${name}, flags: [${flags}] }, servers: [10.0.0.1]`,
    );
    expect(service).toMatchObject({ scheduler: name, schedulerFlags: expected });
  });

  test.each([
    ['600s', 600, 32],
    ['{ timeout: 5m }', 300, 32],
    ['{ timeout: 5m, netmask: 255.255.255.0 }', 300, 24],
    ['{ timeout: 5m, netmask: 0.0.0.0 }', 300, 0],
    ['{ timeout: 5m, netmask: 255.255.255.255 }', 300, 32],
    ['{ timeout: 744h, netmask: 9 }', 2_678_400, 9],
  ])('persistence %s is %d s for /%d', (text, timeoutSeconds, prefixLength) => {
    const service = loadService(`address: 10.0.0.100:80, persistence: ${text}, servers: [10.0.0.1]`);
    expect(service.persistence).toEqual({ timeoutSeconds, prefixLength });
  });

  test('persistence of IPv6 counts the whole address unless a prefix length is given', () => {
    const keys = 'address: "[fd00::64]:80", servers: ["fd00::1"]';
    expect(loadService(`${keys}, persistence: 1m`).persistence?.prefixLength).toBe(128);
    expect(loadService(`${keys}, persistence: { timeout: 1m, netmask: 64 }`).persistence?.prefixLength).toBe(64);
  });

  test('off is nothing at all', () => {
    const off = load(
      minimal.replace(
        'version: 1',
        'version: 1\nagent: { metrics: { listen: off }, admin: { listen: off }, log: { transition_file: off }, state_dir: off }',
      ),
    );
    expect(off.agent).toMatchObject({
      metricsListen: undefined,
      adminSocket: undefined,
      transitionFile: undefined,
      stateDir: undefined,
    });
    const short = load(minimal.replace('version: 1', 'version: 1\nagent: { metrics: off, admin: off }'));
    expect(short.agent).toMatchObject({ metricsListen: undefined, adminSocket: undefined });
  });
});

describe('tunnels', () => {
  const tunnelOf = (keys: string) => loadServer(`address: 10.0.0.100:80, ${keys}`).tunnel;

  test.each([
    ['ipip', undefined],
    ['gre', { type: 'gre', checksum: 'none' }],
    ['{ type: ipip }', undefined],
    ['{ type: gre, checksum: checksum }', { type: 'gre', checksum: 'checksum' }],
    ['{ type: gue, port: 6080 }', { type: 'gue', port: 6080, checksum: 'none' }],
    ['{ type: gue, port: 1, checksum: remote }', { type: 'gue', port: 1, checksum: 'remote' }],
  ])('%s is %j, of a service and of a server', (text, expected) => {
    expect(tunnelOf(`forwarding: tun, tunnel: ${text}, servers: [10.0.0.1]`)).toEqual(expected);
    expect(tunnelOf(`servers: [{ address: 10.0.0.1, forwarding: tun, tunnel: ${text} }]`)).toEqual(expected);
  });

  test("a server's own stands instead of that of its service, plain IP in IP too", () => {
    const keys = 'forwarding: tun, tunnel: gre, servers: [{ address: 10.0.0.1, tunnel: ipip }, 10.0.0.2]';
    const { servers } = loadService(`address: 10.0.0.100:80, ${keys}`);
    expect(servers.map(({ tunnel }) => tunnel?.type)).toEqual([undefined, 'gre']);
  });

  test('that of a service is none of a server that is reached otherwise', () => {
    const keys = 'forwarding: tun, tunnel: gre, servers: [{ address: 10.0.0.1, forwarding: dr }, 10.0.0.2]';
    const { servers } = loadService(`address: 10.0.0.100:80, ${keys}`);
    expect(servers.map(({ forwarding, tunnel }) => [forwarding, tunnel?.type])).toEqual([
      ['dr', undefined],
      ['tun', 'gre'],
    ]);
  });

  test('carry one family in the other', () => {
    const v6 = loadService('address: "[fd00::64]:80", forwarding: tun, servers: [10.0.0.1, "fd00::1"]');
    expect(v6.servers.map(({ address, port }) => [address, port])).toEqual([
      ['10.0.0.1', 80],
      ['fd00::1', 80],
    ]);
    const mark = 'fwmark: 1, address_family: ipv4, forwarding: tun, checks: [{ type: icmp }], servers: ["fd00::1"]';
    expect(loadService(mark).identity).toMatchObject({ family: 'ipv4' });
  });
});

describe('packets one by one, and calls', () => {
  test.each([
    ['address: 10.0.0.100:53, protocol: udp', true],
    ['fwmark: 1', true],
  ])('are for UDP and marks: %s', (keys, expected) => {
    const service = loadService(
      `${keys}, one_packet: true, persistence: { timeout: 1m, engine: sip }, servers: [10.0.0.1:53]`,
    );
    expect(service.isOnePacket).toBe(expected);
    expect(service.persistence).toEqual({ timeoutSeconds: 60, prefixLength: 32, engine: 'sip' });
  });

  test('one_packet: false goes without saying, whatever the protocol', () => {
    expect(loadService('address: 10.0.0.100:80, one_packet: false, servers: [10.0.0.1]').isOnePacket).toBe(false);
  });
});

describe('what the kernel keeps for all services', () => {
  const loadSettings = (ipvs: string) => load(minimal.replace('version: 1', `version: 1\nipvs: ${ipvs}`)).settings;

  test('is named in part: the rest is left to the kernel', () => {
    expect(loadSettings('{ timeouts: { tcp_fin: 2m } }')).toEqual({
      timeouts: { tcpSeconds: 0, tcpFinSeconds: 120, udpSeconds: 0 },
      daemons: [],
    });
  });

  test("a daemon has the kernel's defaults", () => {
    expect(loadSettings('{ sync_daemons: [{ role: backup, interface: eth0.100 }] }').daemons).toEqual([
      { role: 'backup', interface: 'eth0.100', syncId: 0, group: '224.0.0.81', port: 8848, ttl: 1, maxLength: 0 },
    ]);
  });

  test('a daemon of each role has all its keys', () => {
    const keys = 'interface: eth0, sync_id: 255, group: "FF02:0::81", port: 1, ttl: 255, max_length: 65487';
    const rest = {
      interface: 'eth0',
      syncId: 255,
      group: 'ff02::81',
      port: 1,
      ttl: 255,
      maxLength: 65_487,
    };
    expect(loadSettings(`{ sync_daemons: [{ role: master, ${keys} }, { role: backup, ${keys} }] }`).daemons).toEqual([
      { role: 'master', ...rest },
      { role: 'backup', ...rest },
    ]);
  });
});

describe('addresses', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1', 80],
    ['10.0.0.1:8080', '10.0.0.1', 8080],
    ['{ address: 10.0.0.1 }', '10.0.0.1', 80],
    ['{ address: 10.0.0.1:8080 }', '10.0.0.1', 8080],
  ])('server %s is %s port %d', (text, address, port) => {
    expect(loadServer(`address: 10.0.0.100:80, servers: [${text}]`)).toMatchObject({ address, port });
  });

  test.each([
    ['2001:DB8:0:0::1', '2001:db8::1', 80],
    ['[2001:db8::1]', '2001:db8::1', 80],
    ['[2001:db8:0::1]:8080', '2001:db8::1', 8080],
    ['::1', '::1', 80],
  ])('server %s is %s port %d', (text, address, port) => {
    expect(loadServer(`address: "[fd00::64]:80", servers: ["${text}"]`)).toMatchObject({ address, port });
  });

  test('a mark has no port, its servers neither, and its family is that of the servers', () => {
    const keys = 'fwmark: 4294967295, checks: [{ type: icmp }]';
    const v4 = loadService(`${keys}, servers: [10.0.0.1, "10.0.0.2:81"]`);
    expect(v4.identity).toEqual({ kind: 'fwmark', mark: 4_294_967_295, family: 'ipv4' });
    expect(v4.servers.map(({ port }) => port)).toEqual([0, 81]);
    expect(loadService(`${keys}, servers: ["fd00::1"]`).identity).toMatchObject({ family: 'ipv6' });
  });

  test('the same address in two protocols, and the same mark in two families, are two services', () => {
    const { services } = load(`
version: 1
services:
  - { name: dns-udp, address: 10.0.0.100:53, protocol: udp, servers: [10.0.0.1] }
  - { name: dns-tcp, address: 10.0.0.100:53, servers: [10.0.0.1] }
  - { name: mark4, fwmark: 1, servers: [10.0.0.1:80] }
  - { name: mark6, fwmark: 1, servers: ["[fd00::1]:80"] }
`);
    expect(services).toHaveLength(4);
  });
});

describe('checks', () => {
  test('have the name they are given, else their key, else their type, made unique', () => {
    const { checks } = loadServer(
      `address: 10.0.0.100:80, servers: [10.0.0.1],
       checks: [named, renamed, { type: tcp }, { type: tcp }, { type: icmp, name: tcp-2 }, { type: tcp }]`,
      'checks: { named: { type: tcp }, renamed: { type: icmp, name: ping } }',
    );
    expect(checks.map(({ name }) => name)).toEqual(['named', 'ping', 'tcp', 'tcp-3', 'tcp-2', 'tcp-4']);
  });

  test("look at their own port, else the server's, else none", () => {
    const { checks } = loadServer(
      'address: 10.0.0.100:80, servers: [10.0.0.1:81], checks: [{ type: tcp, port: 443 }, { type: http }, { type: icmp }]',
    );
    expect(checks.map(({ target }) => target.port)).toEqual([443, 81, 0]);
  });

  test('of a server stand instead of those of its service', () => {
    const { servers } = loadService(
      'address: 10.0.0.100:80, checks: [{ type: icmp }], servers: [10.0.0.1, { address: 10.0.0.2, checks: [{ type: tcp }] }, { address: 10.0.0.3, checks: [] }]',
    );
    expect(servers.map(({ checks }) => checks.map(({ type }) => type))).toEqual([['icmp'], ['tcp'], []]);
  });

  test('of a service are not those of its fallback servers, which have their own or none', () => {
    const { fallbackServers } = loadService(
      'address: 10.0.0.100:80, servers: [10.0.0.1], fallback_servers: [127.0.0.1, { address: 127.0.0.2, checks: [{ type: tcp }] }]',
    );
    expect(fallbackServers.map(({ checks }) => checks.length)).toEqual([0, 1]);
  });

  test("carry what their probe's schema made of its keys, and nothing else", () => {
    const check = loadCheck(
      'address: 10.0.0.100:80, checks: [{ type: tcp, port: 8080, interval: 1s, name: x }], servers: [10.0.0.1]',
    );
    expect(check.options).toEqual({ port: 8080, close: 'rst', watch: false });
  });

  test.each(['tcp', 'http'])('of type %s are watched where they say so', (type) => {
    const isWatched = (keys: string) =>
      loadCheck(`address: 10.0.0.100:80, checks: [{ type: ${type}${keys} }], servers: [10.0.0.1]`).isWatched;
    expect([isWatched(''), isWatched(', watch: false'), isWatched(', watch: true')]).toEqual([false, false, true]);
  });
});

describe('a maintenance window', () => {
  test('names addresses, with or without a port', () => {
    const { maintenance } = load(
      `${minimal}maintenance:\n  - { servers: [10.0.0.1, "10.0.0.1:80"], schedule: "0 3 * * 0", duration: 90m, timezone: Europe/Berlin }\n`,
    );
    expect(maintenance).toEqual([
      {
        servers: [
          { address: '10.0.0.1', port: undefined },
          { address: '10.0.0.1', port: 80 },
        ],
        schedule: '0 3 * * 0',
        durationMs: 5_400_000,
        timezone: 'Europe/Berlin',
        action: 'drain',
      },
    ]);
  });
});

describe('the text', () => {
  test('may have a byte order mark taken off, and line ends of Windows', () => {
    expect(load(minimal.replaceAll('\n', '\r\n'))).toEqual(load(minimal));
  });

  test('may use anchors and aliases', () => {
    const { services } = load(`
version: 1
services:
  - { name: a, address: 10.0.0.100:80, servers: &servers [10.0.0.1, 10.0.0.2] }
  - { name: b, address: 10.0.0.100:81, servers: *servers }
`);
    expect(services.map(({ servers }) => servers.length)).toEqual([2, 2]);
  });

  test('with keys that are names of prototypes changes no prototype', () => {
    issuesOf('__proto__: { polluted: 1 }\nconstructor: { prototype: { polluted: 1 } }\nversion: 1\nservices: []\n');
    expect('polluted' in {}).toBe(false);
  });

  test.each([
    ['ten thousand levels', '['.repeat(10_000), /nested more than 32 levels/],
    ['forty levels', `${'['.repeat(40)}${']'.repeat(40)}`, /nested more than 32 levels/],
    [
      'twenty thousand unknown keys',
      Array.from({ length: 20_000 }, (_, n) => `k${n}: 1`).join('\n'),
      /unknown key 'k19999'/,
    ],
  ])('of %s is refused', (_, text, message) => {
    expect(issuesOf(text).join('\n')).toMatch(message);
  });

  test('cannot forge a line of the report, nor speak to a terminal', () => {
    const text = serviceText('address: "10.0.0.1\\nc.yaml:1:1: services: fine\\e[2J", servers: [10.0.0.1]');
    expect(issuesOf(text)).toEqual([
      "c.yaml:4:27: services[0].address: '10.0.0.1\\u000ac.yaml:1:1: services: fine\\u001b[2J' is not an IP address; found '10.0.0.1\\nc.yaml:1:1: services: fine\\u001b[2J'",
    ]);
  });

  test('never shows the value of a header, which may be a secret', () => {
    const text = serviceText(
      'address: 10.0.0.100:80, checks: [{ type: http, headers: { authorization: "canary\\n" } }], servers: [10.0.0.1]',
    );
    expect(issuesOf(text)).toHaveLength(1);
    expect(issuesOf(text).join()).not.toContain('canary');
  });
});

test('the configuration is frozen through and through', () => {
  const config = load(minimal);
  const check = first(first(first(config.services).servers).checks);
  for (const part of [config, config.agent, config.services, check, check.options, check.target]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});
