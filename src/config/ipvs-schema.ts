import { familyOf, ipToBytes, type Parsed, parseIp } from '../core/address.ts';
import { duration, listOf, text, wholeNumber, z } from './fields.ts';

/** The kernel takes up to INT_MAX / HZ seconds: with the most ticks a second, 1000, that is a little more than 24 days. */
const timeout = duration({ min: 1000, step: 1000 });

const timeouts = z.strictObject({
  tcp: timeout.optional().describe('Of a TCP connection.'),
  tcp_fin: timeout.optional().describe('Of a TCP connection after a FIN was seen.'),
  udp: timeout.optional().describe('Of what is taken for a connection by UDP.'),
});

/** IFNAMSIZ is 16, the final NUL included; dev_valid_name() refuses the rest (net/core/dev.c). */
const interfaceForm = 'must be the name of an interface, such as eth0';
const interfaceName = z.string({ error: interfaceForm }).regex(/^(?!\.{1,2}$)[^\s/:\p{Cc}]{1,15}$/u, {
  error: interfaceForm,
});

/** 65535 less the headers of IPv4 and UDP: start_sync_thread() cuts what is more (net/netfilter/ipvs/ip_vs_sync.c). */
const longestMessage = 65507;

/** The defaults are the kernel's: IP_VS_SYNC_GROUP, IP_VS_SYNC_PORT and a TTL of 1. */
const syncDaemon = z.strictObject({
  role: z
    .enum(['master', 'backup'])
    .describe('`master` tells of connections, `backup` hears of them; one of each at most.'),
  interface: interfaceName.describe('Interface through which it speaks.'),
  sync_id: wholeNumber(0, 255)
    .default(0)
    .describe('A backup heeds the masters of its own number; 0: those of every number.'),
  group: text('a multicast address, such as 224.0.0.81', parseGroup)
    .prefault('224.0.0.81')
    .describe('Multicast address to which is spoken.'),
  port: wholeNumber(1, 65535).default(8848).describe('UDP port.'),
  ttl: wholeNumber(1, 255).default(1).describe('TTL, or hop limit, of what a master sends.'),
  max_length: wholeNumber(1, longestMessage)
    .optional()
    .describe("Most bytes of one message; of a backup at least 1024. Default: what the interface's MTU allows."),
});

/** What the kernel keeps beside the table. What is not named here stays as the kernel has it. */
export const ipvsSchema = z.strictObject({
  timeouts: timeouts
    .prefault({})
    .describe(
      'After how long without a packet a connection is forgotten, in whole seconds. Default: as the kernel has it.',
    ),
  sync_daemons: listOf(syncDaemon)
    .default([])
    .describe('Threads of the kernel that keep the connections of several directors in step.'),
});

function parseGroup(text: string): Parsed<string> {
  const parsed = parseIp(text);
  if (!parsed.ok) return parsed;
  const [first = 0] = ipToBytes(parsed.value);
  const isMulticast = familyOf(parsed.value) === 'ipv6' ? first === 0xff : first >= 224 && first <= 239;
  return isMulticast ? parsed : { ok: false, reason: `'${text}' is not a multicast address` };
}
