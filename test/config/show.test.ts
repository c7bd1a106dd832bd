import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseConfig } from '../../src/config/load.ts';
import { showConfig } from '../../src/config/show.ts';
import { load, serviceText } from './support.ts';

const seconds = fc.integer({ min: 1, max: 3600 }).map((n) => `${n}s`);
const timing = fc.record(
  { interval: seconds, timeout: seconds, fall: fc.integer({ min: 1, max: 9 }) },
  { requiredKeys: [] },
);
const check = fc.oneof(
  fc
    .record({ port: fc.integer({ min: 1, max: 65535 }), watch: fc.boolean() }, { requiredKeys: [] })
    .map((keys) => ({ type: 'tcp', ...keys })),
  timing.map((keys) => ({ type: 'icmp', ...keys })),
  fc
    .record(
      {
        path: fc.constantFrom('/', '/off', '/1:20'),
        host: fc.constantFrom('on', 'null', 'www.example.org'),
        tls: fc.oneof(fc.boolean(), fc.constant({ server_name: 'www.example.org' })),
        expect: fc.constantFrom(
          { status: 204 },
          { status: [200, '300-399'] },
          { body: 'no' },
          { body: { regex: '^\\s#: "\'' } },
        ),
        headers: fc.constant({ accept: '*/*' }),
      },
      { requiredKeys: [] },
    )
    .map((keys) => ({ type: 'http', ...keys })),
);
const checks = fc.array(check, { maxLength: 3 });
const settings = {
  weight: fc.integer({ min: 0, max: 65535 }),
  forwarding: fc.constantFrom('nat', 'm', 'masq'),
};

const tunnel = fc.constantFrom(
  'ipip',
  'gre',
  { type: 'gre', checksum: 'checksum' },
  { type: 'gue', port: 6080 },
  { type: 'gue', port: 65535, checksum: 'remote' },
);

const daemon = {
  interface: fc.constantFrom('eth0', 'no', '0', 'wg-1.2'),
  sync_id: fc.nat(255),
  group: fc.constantFrom('224.0.0.81', '239.255.255.255', 'ff02::81'),
  port: fc.integer({ min: 1, max: 65535 }),
  ttl: fc.integer({ min: 1, max: 255 }),
  max_length: fc.integer({ min: 1024, max: 65487 }),
};

function daemonOf(role: string) {
  return fc.record({ role: fc.constant(role), ...daemon }, { requiredKeys: ['role', 'interface'] });
}

const ipvs = fc.record(
  {
    timeouts: fc.record({ tcp: seconds, tcp_fin: seconds, udp: seconds }, { requiredKeys: [] }),
    sync_daemons: fc.oneof(fc.tuple(), fc.tuple(daemonOf('master')), fc.tuple(daemonOf('backup'), daemonOf('master'))),
  },
  { requiredKeys: [] },
);

function server(last: number) {
  const address = `10.0.0.${last}`;
  return fc.oneof(
    fc.constantFrom(address, `${address}:8080`),
    fc.record(
      { address: fc.constant(address), ...settings, upper_threshold: fc.nat(), checks },
      { requiredKeys: ['address'] },
    ),
    fc.record(
      { address: fc.constant(address), forwarding: fc.constant('tun'), tunnel },
      { requiredKeys: ['address', 'forwarding'] },
    ),
  );
}

function service(index: number) {
  return fc.record(
    {
      name: fc.constant(`service-${index}`),
      address: fc.constant(`192.0.2.${index + 1}:80`),
      protocol: fc.constantFrom('tcp', 'udp', 'sctp'),
      scheduler: fc.oneof(fc.constant('rr'), fc.constant({ name: 'mh', flags: ['mh-port', 'flag-3'] })),
      persistence: fc.oneof(seconds, fc.record({ timeout: seconds, netmask: fc.integer({ min: 0, max: 32 }) })),
      on_failure: fc.constantFrom('remove', 'quiesce'),
      fail_open: fc.oneof(
        fc.constantFrom('all_down', 'never'),
        fc.integer({ min: 10, max: 1000 }).map((n) => ({ below: `${n / 10}%` })),
      ),
      check: timing,
      checks,
      servers: fc
        .integer({ min: 1, max: 3 })
        .chain((count) => fc.tuple(...Array.from({ length: count }, (_, n) => server(n + 1)))),
      fallback_servers: fc.tuple(server(9)),
      ...settings,
    },
    { requiredKeys: ['name', 'address', 'servers'] },
  );
}

const phone = fc.record(
  {
    name: fc.constant('phone'),
    address: fc.constant('192.0.2.99:5060'),
    protocol: fc.constant('udp'),
    one_packet: fc.boolean(),
    persistence: fc.constant({ timeout: '1m', engine: 'sip' }),
    servers: fc.constant(['10.0.0.1']),
  },
  { requiredKeys: ['name', 'address', 'protocol', 'servers'] },
);

const file = fc.record(
  {
    version: fc.constant(1),
    agent: fc.record(
      {
        reconcile_interval: seconds,
        state_dir: fc.constantFrom('off', '/var/lib/a b'),
        metrics: fc.constantFrom('off', { listen: '[::1]:0' }),
      },
      { requiredKeys: [] },
    ),
    ipvs,
    defaults: fc.record({ check: timing, ...settings }, { requiredKeys: [] }),
    services: fc
      .integer({ min: 1, max: 3 })
      .chain((count) => fc.tuple(phone, ...Array.from({ length: count }, (_, n) => service(n)))),
    maintenance: fc.constantFrom([], [{ servers: ['10.0.0.1'], schedule: '*/5 * * * *', duration: '1.5h' }]),
  },
  { requiredKeys: ['version', 'services'] },
);

test('what is shown of any configuration loads to the same configuration', () => {
  fc.assert(
    fc.property(file, (data) => {
      // JSON is YAML.
      const config = parseConfig(JSON.stringify(data), 'generated.json');
      expect(parseConfig(showConfig(config), 'shown.yaml')).toEqual(config);
    }),
    { numRuns: 200 },
  );
});

test('a mark, its family and its servers without ports are shown as they are written', () => {
  const config = load(serviceText('fwmark: 8, checks: [{ type: icmp }], servers: ["fd00::1", "[fd00::1]:80"]'));
  expect(parseConfig(showConfig(config), 'shown.yaml')).toEqual(config);
});

test('checks are written once where the servers of a service share them', () => {
  const shown = showConfig(load(serviceText('address: 10.0.0.100:80, servers: [10.0.0.1, 10.0.0.2, 10.0.0.3:81]')));
  expect(shown.match(/type: tcp/g)).toHaveLength(1);
});
