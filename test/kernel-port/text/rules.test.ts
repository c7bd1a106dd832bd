import { expect, test } from '@jest/globals';
import { applyOps } from '../../../src/core/apply.ts';
import { formatListing } from '../../../src/kernel/text/listing.ts';
import { formatOp } from '../../../src/kernel/text/rules.ts';
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
  [delServer(mark, server({ address: '2001:db8::7', port: 0 })), '-d -f 8 -6 -r [2001:db8::7]:0'],
])('an op is written as arguments of ipvsadm (%#)', (op, text) => {
  expect(formatOp(op)).toBe(text);
});
