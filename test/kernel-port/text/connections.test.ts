import { expect, test } from '@jest/globals';
import { readConnections } from '../../../src/kernel/connections.ts';
import { formatConnections } from '../../../src/kernel/text/connections.ts';

/** As Linux 6.1 writes it. */
const text = [
  'Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData',
  'UDP 0A030001 0000 0A030001 13C4 7F000001 1B58 NONE             58 sip abc123@host',
  'UDP 2001:0db8:0000:0000:0000:0000:0000:0001 CA5F 2001:0db8:0000:0000:0000:0000:0000:0001 0035 0A090001 0035 UDP             296',
  'TCP C0000209 8110 0A030001 0050 7F000001 1F90 ESTABLISHED    7300',
  'AH  C0000209 0000 0A030001 0000 7F000001 0000 NONE              1',
  '',
].join('\n');

test('connections are read with every address in its family, less those of other protocols', () => {
  expect(readConnections(text)).toEqual([
    {
      protocol: 'udp',
      client: { address: '10.3.0.1', port: 0 },
      virtual: { address: '10.3.0.1', port: 5060 },
      server: { address: '127.0.0.1', port: 7000 },
      state: 'NONE',
      expiresSeconds: 58,
      persistence: { engine: 'sip', data: 'abc123@host' },
    },
    {
      protocol: 'udp',
      client: { address: '2001:db8::1', port: 51_807 },
      virtual: { address: '2001:db8::1', port: 53 },
      server: { address: '10.9.0.1', port: 53 },
      state: 'UDP',
      expiresSeconds: 296,
    },
    {
      protocol: 'tcp',
      client: { address: '192.0.2.9', port: 33_040 },
      virtual: { address: '10.3.0.1', port: 80 },
      server: { address: '127.0.0.1', port: 8080 },
      state: 'ESTABLISHED',
      expiresSeconds: 7300,
    },
  ]);
  expect(readConnections(text.slice(0, text.indexOf('\n') + 1))).toEqual([]);
});

test('connections are laid out as ipvsadm does', () => {
  expect(formatConnections(readConnections(text)).split('\n')).toEqual([
    'IPVS connection entries',
    'pro expire state       source             virtual            destination',
    'UDP 00:58  NONE        10.3.0.1:0         10.3.0.1:5060      127.0.0.1:7000',
    'UDP 04:56  UDP         [2001:db8::1]:51807 [2001:db8::1]:53   10.9.0.1:53',
    'TCP 121:40 ESTABLISHED 192.0.2.9:33040    10.3.0.1:80        127.0.0.1:8080',
    '',
  ]);
});

test('what persistence engines go by is shown on request, and names', () => {
  const names = { host: () => 'localhost', port: (port: number) => (port === 5060 ? 'sip' : undefined) };
  const lines = formatConnections(readConnections(text), { isPersistenceShown: true, names }).split('\n');
  expect(lines.slice(1, 4)).toEqual([
    'pro expire state       source             virtual            destination        pe name          pe_data',
    'UDP 00:58  NONE        localhost:0        localhost:sip      localhost:7000   sip                abc123@host',
    'UDP 04:56  UDP         [localhost]:51807  [localhost]:53     localhost:53',
  ]);
});
