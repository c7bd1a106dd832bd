import type { Forwarding, SchedulerFlag } from '../core/table.ts';
import { parseNetmask } from './addresses.ts';
import { duration, listOf, text, wholeNumber, z } from './fields.ts';

// What the kernel's rows have, key by key.

/** The letters are those of the agent's first manual, the other words ipvsadm's, ldirectord's and keepalived's. */
const forwardingWords = {
  nat: 'nat',
  dr: 'dr',
  tun: 'tun',
  m: 'nat',
  g: 'dr',
  i: 'tun',
  masq: 'nat',
  gate: 'dr',
  ipip: 'tun',
  NAT: 'nat',
  DR: 'dr',
  TUN: 'tun',
} as const satisfies Record<string, Forwarding>;

/** IP_VS_SVC_F_SCHED_SH_FALLBACK and its like are names for the three bits (include/uapi/linux/ip_vs.h). */
export const schedulerFlagNames = {
  'flag-1': { flag: 'flag-1' },
  'flag-2': { flag: 'flag-2' },
  'flag-3': { flag: 'flag-3' },
  'sh-fallback': { flag: 'flag-1', scheduler: 'sh' },
  'sh-port': { flag: 'flag-2', scheduler: 'sh' },
  'mh-fallback': { flag: 'flag-1', scheduler: 'mh' },
  'mh-port': { flag: 'flag-2', scheduler: 'mh' },
} as const satisfies Record<string, { flag: SchedulerFlag; scheduler?: string }>;

export type SchedulerFlagName = keyof typeof schedulerFlagNames;

const schedulerForm = 'must be the name of a scheduler, such as wlc, or { name: sh, flags: [sh-port] }';

/** IP_VS_SCHEDNAME_MAXLEN is 16, the final NUL included. */
function schedulerName(error: string) {
  return z.string({ error }).regex(/^[a-z\d_-]{1,15}$/, { error });
}

const flagName = z.enum(Object.keys(schedulerFlagNames) as [SchedulerFlagName, ...SchedulerFlagName[]]);

export const scheduler = z
  .union(
    [
      schedulerName(schedulerForm).transform((name) => ({
        name,
        flags: [] as readonly (SchedulerFlagName | undefined)[],
      })),
      z.strictObject({
        name: schedulerName('must be the name of a scheduler, such as wlc').describe('Its name in the kernel.'),
        flags: listOf(flagName)
          .default([])
          .describe('`sh-fallback`, `sh-port`, `mh-fallback`, `mh-port`, or the bits by number: `flag-1` to `flag-3`.'),
      }),
    ],
    { error: schedulerForm },
  )
  .describe('Any scheduler that the kernel has; its module is loaded on demand.');

export const forwarding = z
  .enum(Object.keys(forwardingWords) as [keyof typeof forwardingWords], {
    error: 'must be nat, dr or tun (or m, g, i)',
  })
  .transform((word): Forwarding => forwardingWords[word])
  .meta({ title: '`nat`, `dr`, `tun`' })
  .describe('How packets reach a server: `nat`, `dr` (direct routing) or `tun` (tunnelling); `m`, `g`, `i` for short.');

const netmask = z
  .union([
    z
      .int({ error: 'must be a netmask such as 255.255.255.0, or a prefix length' })
      .transform((prefixLength) => ({ prefixLength, isIpv4Mask: false })),
    text('a netmask such as 255.255.255.0', parseNetmask),
  ])
  .describe(
    "How much of a client's address counts: a mask such as 255.255.255.0, or a prefix length. Default: all of it.",
  );

/** The kernel counts persistence in seconds; 31 days are ipvsadm's limit. */
const persistenceTimeout = duration({ min: 1000, max: 31 * 86_400_000, step: 1000 });

export const persistence = z
  .union(
    [
      persistenceTimeout.transform((timeout) => ({ timeout, netmask: undefined, engine: undefined })),
      z.strictObject({
        timeout: persistenceTimeout.describe('How long a client stays with its server, in whole seconds.'),
        netmask: netmask.optional(),
        engine: z
          .enum(['sip'])
          .optional()
          .describe('By what a client is told instead of its address: `sip`, the Call-ID of SIP over UDP.'),
      }),
    ],
    { error: 'must be a duration such as 600s, or { timeout: 600s, netmask: 255.255.255.0 }' },
  )
  .describe('Clients return to the server they had: for this long, or `{ timeout, netmask, engine }`.');

export const onePacket = z
  .boolean()
  .describe('Each packet is scheduled by itself, for UDP services that answer one packet with one.');

const tunnelForm = 'must be ipip, or a mapping such as { type: gue, port: 6080 }';
const tunnelType = z.enum(['ipip', 'gue', 'gre']);

/** What of its keys goes with which type is checked where it is resolved. */
export const tunnel = z
  .union(
    [
      tunnelType.transform((type) => ({ type, port: undefined, checksum: undefined })),
      z.strictObject({
        type: tunnelType.describe('`ipip` is plain IP in IP; `gue` and `gre` need Linux 5.2 and 5.3.'),
        port: wholeNumber(1, 65535).optional().describe('UDP port of the server that unwraps, for `gue`.'),
        checksum: z
          .enum(['none', 'checksum', 'remote'])
          .optional()
          .describe('Of the outer packet, for `gue` and `gre`: `none`, the default, `checksum`, or `remote` (`gue`).'),
      }),
    ],
    { error: tunnelForm },
  )
  .describe('What packets are wrapped in with `forwarding: tun`: `ipip`, `gre`, or `{ type, port, checksum }`.');

export type TunnelEntry = z.output<typeof tunnel>;

/** 2^31 - 1: the kernel answers EINVAL to more, though its field has 32 bits. */
const largestThreshold = 2_147_483_647;

export const threshold = wholeNumber(0, largestThreshold);
