import type { PortRange } from '../core/config.ts';
import { parseLinkName, parsePortRange, parsePrefix } from './addresses.ts';
import { listOf, text, wholeNumber, z } from './fields.ts';

/** A network interface by name. */
const linkName = text('the name of an interface, such as eth0', parseLinkName);

/** The host beside the table. */
export const directorSchema = z.strictObject({
  interface: linkName
    .optional()
    .describe('Interface that gets the VIPs; `--interface` on the command line counts before it.'),
});

export const serviceInterface = linkName
  .optional()
  .describe(
    'Interface that gets the VIPs of this service, as `lvsd director up` adds them. Default: `director.interface`.',
  );

const port = wholeNumber(1, 65535).transform((port): PortRange => [port, port]);

/** Which packets get the mark of a service. */
const marking = z.strictObject({
  addresses: listOf(text('an IP address or prefix, such as 192.0.2.1 or 192.0.2.0/24', parsePrefix))
    .min(1, { error: 'must have at least one address' })
    .describe('Virtual addresses, and prefixes such as `192.0.2.0/24`.'),
  protocols: listOf(z.enum(['tcp', 'udp', 'sctp']))
    .min(1, { error: 'must have at least one protocol' })
    .default(['tcp'])
    .describe('Transport protocols; `tcp` alone if not given.'),
  ports: listOf(z.union([port, text('a port or a range such as 8000-8100', parsePortRange)]))
    .min(1, { error: 'must have at least one port: leave it out for every port' })
    .optional()
    .describe('Ports, and ranges such as `8000-8100`. Default: every port.'),
});

export const marks = listOf(marking)
  .min(1, { error: 'must have at least one entry' })
  .optional()
  .describe(
    'Packets that `lvsd director up` has nftables mark with `fwmark`. Default: none, for something else marks them.',
  );
