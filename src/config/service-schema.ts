import type { Forwarding, SchedulerFlag } from '../core/table.ts';
import { parseNetmask, parseServerAddress, parseServiceAddress, type WrittenAddress } from './addresses.ts';
import { type CheckEntry, defaultTiming, name, timingOverrides } from './check-schema.ts';
import { duration, listOf, share, text, wholeNumber, z } from './fields.ts';

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

const scheduler = z
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

const protocol = z.enum(['tcp', 'udp', 'sctp']).describe('Transport protocol of services by address.');

const forwarding = z
  .enum(Object.keys(forwardingWords) as [keyof typeof forwardingWords], {
    error: 'must be nat, dr or tun (or m, g, i)',
  })
  .transform((word): Forwarding => forwardingWords[word])
  .meta({ title: '`nat`, `dr`, `tun`' })
  .describe('How packets reach a server: `nat`, `dr` (direct routing) or `tun` (tunnelling); `m`, `g`, `i` for short.');

const weight = wholeNumber(0, 65535).describe('Share of new connections; 0: none.');

const onFailure = z
  .enum(['remove', 'quiesce'])
  .describe('What becomes of a server that is down: out of the table, or kept with weight 0 (`quiesce`).');

const failOpen = z
  .union([
    z
      .enum(['all_down', 'never'], { error: 'must be all_down, never, or { below: 25% }' })
      .transform((when) => ({ when }) as const),
    z
      .strictObject({ below: share({ min: 0.01 }).describe('Share of the servers that must be up.') })
      .transform(({ below }) => ({ when: 'below', share: below }) as const),
  ])
  .describe(
    'When servers that are down stay in the table because nothing is left: all of them down and no fallback (`all_down`), `never`, or fewer than a share of them up.',
  );

/** What services have unless they say otherwise. The only place where these defaults are written. */
export const defaultsSchema = z.strictObject({
  protocol: protocol.default('tcp'),
  scheduler: scheduler.prefault('wlc'),
  forwarding: forwarding.prefault('nat'),
  weight: weight.default(1),
  on_failure: onFailure.default('remove'),
  fail_open: failOpen.prefault('all_down'),
  check: defaultTiming.prefault({}).describe('Timing of checks.'),
});

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

const persistence = z
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

const onePacket = z
  .boolean()
  .describe('Each packet is scheduled by itself, for UDP services that answer one packet with one.');

const tunnelForm = 'must be ipip, or a mapping such as { type: gue, port: 6080 }';
const tunnelType = z.enum(['ipip', 'gue', 'gre']);

/** What of its keys goes with which type is checked where it is resolved. */
const tunnel = z
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

/** 2^32 - 1: a firewall mark is 32 bits, and 0 is no mark. */
const largestMark = 4_294_967_295;
/** 2^31 - 1: the kernel counts connections with a sign, and a threshold beyond that would be below none. */
const largestThreshold = 2_147_483_647;

/** A server of the file, its short form included. */
export interface ServerEntry {
  readonly address: WrittenAddress;
  readonly weight?: number | undefined;
  readonly forwarding?: Forwarding | undefined;
  readonly tunnel?: TunnelEntry | undefined;
  readonly upper_threshold?: number | undefined;
  readonly lower_threshold?: number | undefined;
  readonly checks?: readonly (string | CheckEntry | undefined)[] | undefined;
}

/** A service of the file; `check` is the schema of one check. */
export function serviceSchema(check: z.ZodType<CheckEntry>) {
  const checks = listOf(
    z.union([name, check], { error: 'must be the name of a check, or a check such as { type: tcp }' }),
  );
  const server = serverSchema(checks);
  return z.strictObject({
    name: name.describe('Its name in logs, metrics and commands.'),
    address: text('IP:PORT, such as 192.0.2.1:80', parseServiceAddress)
      .optional()
      .describe('`IP:PORT` of the virtual service; port 0 with persistence: every port. Either this or `fwmark`.'),
    fwmark: wholeNumber(1, largestMark)
      .optional()
      .describe('Firewall mark of the packets that belong to the service. Either this or `address`.'),
    address_family: z
      .enum(['ipv4', 'ipv6'])
      .optional()
      .describe('Which packets with the mark are meant. Default: the family of the servers.'),
    protocol: inherited(protocol, 'protocol'),
    scheduler: inherited(scheduler, 'scheduler'),
    one_packet: onePacket.optional(),
    forwarding: inherited(forwarding, 'forwarding'),
    tunnel: tunnel.optional(),
    weight: inherited(weight, 'weight'),
    on_failure: inherited(onFailure, 'on_failure'),
    fail_open: inherited(failOpen, 'fail_open'),
    persistence: persistence.optional(),
    check: timingOverrides
      .optional()
      .describe('Timing of the checks of this service. Default, key by key: `defaults.check`.'),
    checks: checks
      .optional()
      .describe("Names of `checks`, or checks as such. Default: a `tcp` check of the server's port."),
    servers: listOf(server).min(1, { error: 'must have at least one server' }).describe('The real servers.'),
    fallback_servers: listOf(server)
      .default([])
      .describe('Servers that stand in while none of `servers` is in rotation. They have no checks but their own.'),
  });
}

export type ServiceEntry = z.output<ReturnType<typeof serviceSchema>>;

function serverSchema(checks: z.ZodType<readonly (string | CheckEntry | undefined)[]>): z.ZodType<ServerEntry> {
  const address = text('IP:PORT or IP, such as 10.0.0.1:80', parseServerAddress);
  return z
    .union(
      [
        address.transform((address) => ({ address })),
        z.strictObject({
          address: address.describe('`IP:PORT`, or an IP: the port is then that of the service.'),
          weight: weight.optional().describe('Share of new connections; 0: none. Default: that of the service.'),
          forwarding: forwarding.optional().describe('Default: that of the service.'),
          tunnel: tunnel.optional().describe('Default: that of the service.'),
          upper_threshold: wholeNumber(0, largestThreshold)
            .optional()
            .describe('Connections above which no new ones come; 0, the default: no limit.'),
          lower_threshold: wholeNumber(0, largestThreshold)
            .optional()
            .describe(
              'Connections below which new ones come again; 0, the default: three quarters of the upper threshold.',
            ),
          checks: checks.optional().describe('Instead of the checks of the service.'),
        }),
      ],
      { error: 'must be an address such as 10.0.0.1:80, or { address: 10.0.0.1:80, weight: 2 }' },
    )
    .meta({ id: 'server' });
}

function inherited<T extends z.ZodType>(field: T, key: string) {
  return field.optional().describe(`${field.description ?? ''} Default: \`defaults.${key}\`.`);
}
