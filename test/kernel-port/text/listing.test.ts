import { expect, test } from '@jest/globals';
import { applyOps } from '../../../src/core/apply.ts';
import type { Table, Traffic } from '../../../src/core/table.ts';
import { formatListing, type ListingOptions } from '../../../src/kernel/text/listing.ts';
import { formatCount } from '../../../src/kernel/text/sizes.ts';
import { addServer, addService, server, service } from '../../contract/kernel.ts';

const sip = service({
  identity: { kind: 'address', protocol: 'udp', address: '192.0.2.1', port: 5060 },
  persistence: { timeoutSeconds: 60, prefixLength: 16, netmask: '255.0.255.0', engine: 'sip' },
  isOnePacket: true,
});
const mark = service({ identity: { kind: 'fwmark', mark: 0xffffffff, family: 'ipv6' }, scheduler: 'rr' });
const traffic: Traffic = {
  connections: 99_999_999,
  incomingPackets: 123_456_789,
  outgoingPackets: 0,
  incomingBytes: 5_000_000_000,
  outgoingBytes: 7,
};

const bare = applyOps(new Map(), [
  addService(mark),
  addServer(mark, server({ address: '2001:db8::7', port: 0, forwarding: 'tun' })),
  addService(sip),
  addServer(sip, server({ port: 5060, upperThreshold: 9, lowerThreshold: 3 })),
  addServer(
    sip,
    server({ port: 5060, address: '10.0.0.6', forwarding: 'tun', tunnel: { type: 'gre', checksum: 'checksum' } }),
  ),
  addServer(
    sip,
    server({
      port: 5060,
      address: '10.0.0.5',
      forwarding: 'tun',
      tunnel: { type: 'gue', port: 6080, checksum: 'remote' },
    }),
  ),
]);

/** Each row with what the kernel measured. */
const table: Table = new Map(
  [...bare].map(([key, row]) => {
    const measured = { traffic, rates: traffic, connections: { active: 4, inactive: 5, persistent: 6 } };
    const servers = [...row.servers].map(([name, one]) => [name, { ...one, ...measured }] as const);
    return [key, { ...row, traffic, rates: traffic, servers: new Map(servers) }];
  }),
);

function listing(options: ListingOptions): readonly string[] {
  return formatListing(table, options).split('\n');
}

test.each<[ListingOptions, readonly string[]]>([
  [
    { layout: 'statistics' },
    [
      'Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes',
      '  -> RemoteAddress:Port',
      'FWM  4294967295 IPv6              99999999  123456K        0    5000M        7',
      '  -> [2001:db8::7]:0              99999999  123456K        0    5000M        7',
      'UDP  192.0.2.1:5060               99999999  123456K        0    5000M        7',
      '  -> 10.0.0.5:5060                99999999  123456K        0    5000M        7',
      '  -> 10.0.0.6:5060                99999999  123456K        0    5000M        7',
      '  -> 10.0.0.7:5060                99999999  123456K        0    5000M        7',
      '',
    ],
  ],
  [
    { layout: 'rates' },
    [
      'Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS',
      '  -> RemoteAddress:Port',
      'FWM  4294967295 IPv6              99999999  123456K        0    5000M        7',
      '  -> [2001:db8::7]:0              99999999 123456789        0    5000M        7',
      'UDP  192.0.2.1:5060               99999999  123456K        0    5000M        7',
      '  -> 10.0.0.5:5060                99999999 123456789        0    5000M        7',
      '  -> 10.0.0.6:5060                99999999 123456789        0    5000M        7',
      '  -> 10.0.0.7:5060                99999999 123456789        0    5000M        7',
      '',
    ],
  ],
  [
    { layout: 'thresholds', header: { version: '1.2.1', size: 32_768 }, isUnsorted: true },
    [
      'IP Virtual Server version 1.2.1 (size=32768)',
      'Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn ',
      '  -> RemoteAddress:Port',
      'FWM  4294967295 IPv6 rr',
      '  -> [2001:db8::7]:0              0          0          4          5         ',
      'UDP  192.0.2.1:5060 wlc persistent 60 mask 255.0.255.0 pe sip ops',
      '  -> 10.0.0.7:5060                9          3          4          5         ',
      '  -> 10.0.0.6:5060                0          0          4          5         ',
      '  -> 10.0.0.5:5060                0          0          4          5         ',
      '',
    ],
  ],
  [
    { layout: 'persistent' },
    [
      'Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn ',
      '  -> RemoteAddress:Port',
      'FWM  4294967295 IPv6 rr',
      '  -> [2001:db8::7]:0              1         6           4          5         ',
      'UDP  192.0.2.1:5060 wlc persistent 60 mask 255.0.255.0 pe sip ops',
      '  -> 10.0.0.5:5060                1         6           4          5         ',
      '  -> 10.0.0.6:5060                1         6           4          5         ',
      '  -> 10.0.0.7:5060                1         6           4          5         ',
      '',
    ],
  ],
  [
    { layout: 'tunnels' },
    [
      'Prot LocalAddress:Port Scheduler Flags',
      '  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn',
      'FWM  4294967295 IPv6 rr',
      '  -> [2001:db8::7]:0              Tunnel  ipip          1      4          5         ',
      'UDP  192.0.2.1:5060 wlc persistent 60 mask 255.0.255.0 pe sip ops',
      '  -> 10.0.0.5:5060                Tunnel  gue:6080:r+c  1      4          5         ',
      '  -> 10.0.0.6:5060                Tunnel  gre:+c        1      4          5         ',
      '  -> 10.0.0.7:5060                Masq    n/a           1      4          5         ',
      '',
    ],
  ],
])('columns of %j', (options, lines) => {
  expect(listing(options)).toEqual(lines);
});

test('names stand for addresses and ports, cut where the column of IPv4 ends', () => {
  const names = {
    host: (address: string) =>
      address === '10.0.0.5' ? undefined : 'a-name-that-is-longer-than-its-column.example.org',
    port: (port: number, protocol: string) => (port === 5060 && protocol === 'udp' ? 'sip' : undefined),
  };
  expect(listing({ names }).slice(2, -1)).toEqual([
    'FWM  4294967295 IPv6 rr',
    '  -> [a-name-that-is-longer-than-its-column.example.org]:0 Tunnel  1      4          5         ',
    'UDP  a-name-that-is-longer-than-i wlc persistent 60 mask 255.0.255.0 pe sip ops',
    '  -> 10.0.0.5:sip                 Tunnel  1      4          5         ',
    '  -> a-name-that-is-longer-than-i Tunnel  1      4          5         ',
    '  -> a-name-that-is-longer-than-i Masq    1      4          5         ',
  ]);
});

test.each([
  [0, false, '        0'],
  [99_999_999, false, ' 99999999'],
  [100_000_000, false, '  100000K'],
  [999_999_999, false, '  999999K'],
  [1_000_000_000, false, '    1000M'],
  [99_999_999_999, false, '   99999M'],
  [100_000_000_000, false, '     100G'],
  [99_999_999_999_999, false, '   99999G'],
  [100_000_000_000_000, false, '     100T'],
  [12_345_678, true, ' 12345678'],
  [1_234_567_890, true, ' 1234567890'],
])('the count %d, exact: %j', (count, isExact, text) => {
  expect(formatCount(count, isExact)).toBe(text);
});

test('addresses whose differences go in circles are in the order in which ipvsadm puts them', () => {
  const inOrder = (...addresses: readonly string[]) => {
    const web = service({ identity: { kind: 'fwmark', mark: 1, family: 'ipv6' } });
    const ops = addresses.map((address) => addServer(web, server({ address, forwarding: 'tun' })));
    const lines = formatListing(applyOps(new Map(), [addService(web), ...ops])).split('\n');
    return lines.slice(3, -1).map((line) => line.split(/\s+/)[2]?.replace(/:80$/, ''));
  };
  // What ipvsadm 1.31 made of the first order, which was the kernel's; sorted by size they would be in no such order.
  expect(inOrder('2001:db8::3', '100.0.0.1', '200.0.0.1', '2001:db8::2', '10.0.0.1')).toEqual([
    '200.0.0.1',
    '10.0.0.1',
    '[2001:db8::2]',
    '[2001:db8::3]',
    '100.0.0.1',
  ]);
  expect(inOrder('10.0.0.1', '100.0.0.1', '200.0.0.1')).toEqual(['10.0.0.1', '100.0.0.1', '200.0.0.1']);
});
