import { expect, test } from '@jest/globals';
import { applyOps } from '../../../src/core/apply.ts';
import { formatListing } from '../../../src/kernel/text/listing.ts';
import { formatOp, formatRules } from '../../../src/kernel/text/rules.ts';
import {
  addServer,
  addService,
  delServer,
  delService,
  editServer,
  editService,
  server,
  service,
} from '../../contract/kernel.ts';

const web = service();
const sticky = service({
  identity: { kind: 'address', protocol: 'tcp', address: '10.0.0.1', port: 80 },
  scheduler: 'sh',
  schedulerFlags: ['flag-1', 'flag-2'],
  persistence: { timeoutSeconds: 300, prefixLength: 24 },
});
const ipv6 = service({
  identity: { kind: 'address', protocol: 'sctp', address: '2001:db8::1', port: 80 },
  scheduler: 'rr',
  schedulerFlags: ['flag-1'],
  persistence: { timeoutSeconds: 60, prefixLength: 64 },
});
const mark = service({
  identity: { kind: 'fwmark', mark: 8, family: 'ipv6' },
  scheduler: 'mh',
  schedulerFlags: ['flag-2'],
});

test('a table is laid out and ordered as ipvsadm does', () => {
  const table = applyOps(new Map(), [
    addService(mark),
    addService(ipv6),
    addServer(ipv6, server({ address: '2001:db8:1111:2222:3333:4444:5555:6666', port: 8080 })),
    addService(sticky),
    addService(web),
    addServer(web, server({ port: 81, weight: 65_535 })),
    addServer(web, server({ forwarding: 'dr', weight: 2 })),
    addServer(web, server({ address: '200.0.0.7', forwarding: 'tun', weight: 0 })),
  ]);
  expect(formatListing(table, { header: { version: '1.2.1', size: 32768 } })).toBe(
    [
      'IP Virtual Server version 1.2.1 (size=32768)',
      'Prot LocalAddress:Port Scheduler Flags',
      '  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn',
      'TCP  192.0.2.1:80 wlc',
      '  -> 200.0.0.7:80                 Tunnel  0      0          0         ',
      '  -> 10.0.0.7:80                  Route   2      0          0         ',
      '  -> 10.0.0.7:81                  Masq    65535  0          0         ',
      'TCP  10.0.0.1:80 sh (sh-fallback,sh-port) persistent 300 mask 255.255.255.0',
      'SCTP [2001:db8::1]:80 rr (flag-1) persistent 60 mask 64',
      '  -> [2001:db8:1111:2222:3333:4444:5555:6666]:8080 Masq    1      0          0         ',
      'FWM  8 IPv6 mh (mh-port)',
      '',
    ].join('\n'),
  );
});

test.each([
  [addService(web), '-A -t 192.0.2.1:80 -s wlc'],
  [editService(sticky, web), '-E -t 10.0.0.1:80 -s sh -p 300 -M 255.255.255.0 -b sh-fallback,sh-port'],
  [addService(ipv6), '-A --sctp-service [2001:db8::1]:80 -s rr -p 60 -M 64 -b flag-1'],
  [delService(mark), '-D -f 8 -6'],
  [addServer(web, server({ forwarding: 'dr', weight: 2 })), '-a -t 192.0.2.1:80 -r 10.0.0.7:80 -g -w 2'],
  [
    editServer(web, server({ forwarding: 'tun', upperThreshold: 9, lowerThreshold: 3 }), server()),
    '-e -t 192.0.2.1:80 -r 10.0.0.7:80 -i -w 1 -x 9 -y 3',
  ],
  [
    addService(
      service({
        isOnePacket: true,
        persistence: { timeoutSeconds: 9, prefixLength: 16, netmask: '255.0.255.0', engine: 'sip' },
      }),
    ),
    '-A -t 192.0.2.1:80 -s wlc -p 9 -M 255.0.255.0 --pe sip -o',
  ],
  [
    addServer(
      web,
      server({ forwarding: 'tun', tunnel: { type: 'gue', port: 6080, checksum: 'remote' }, upperThreshold: 5 }),
    ),
    '-a -t 192.0.2.1:80 -r 10.0.0.7:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum -x 5',
  ],
  [delServer(mark, server({ address: '2001:db8::7', port: 0 })), '-d -f 8 -6 -r [2001:db8::7]:0'],
])('an op is written as arguments of ipvsadm (%#)', (op, text) => {
  expect(formatOp(op)).toBe(text);
});

test('a table is saved as rules, with the thresholds on request', () => {
  const table = applyOps(new Map(), [
    addService(mark),
    addService(web),
    addServer(web, server({ forwarding: 'tun', upperThreshold: 9, lowerThreshold: 3 })),
    addServer(web, server({ forwarding: 'tun', address: '10.0.0.6', tunnel: { type: 'gre', checksum: 'none' } })),
    addServer(web, server({ address: '10.0.0.5', lowerThreshold: 0, upperThreshold: 1 })),
  ]);
  const plain = [
    '-A -t 192.0.2.1:80 -s wlc',
    '-a -t 192.0.2.1:80 -r 10.0.0.5:80 -m -w 1',
    '-a -t 192.0.2.1:80 -r 10.0.0.6:80 -i -w 1 --tun-type gre --tun-nocsum',
    '-a -t 192.0.2.1:80 -r 10.0.0.7:80 -i -w 1 --tun-type ipip',
    '-A -f 8 -6 -s mh -b mh-port',
    '',
  ];
  expect(formatRules(table).split('\n')).toEqual(plain);
  const complete = ['', ' -x 1', '', ' -x 9 -y 3', '', ''];
  expect(formatRules(table, true).split('\n')).toEqual(plain.map((line, index) => line + complete[index]));
  expect(formatRules(new Map())).toBe('');
});
