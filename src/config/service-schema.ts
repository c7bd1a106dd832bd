import type { Forwarding } from '../core/table.ts';
import { parseServerAddress, parseServiceAddress, type WrittenAddress } from './addresses.ts';
import { type CheckEntry, defaultTiming, name, timingOverrides } from './check-schema.ts';
import { marks, serviceInterface } from './director-schema.ts';
import { listOf, share, text, wholeNumber, z } from './fields.ts';
import { forwarding, onePacket, persistence, scheduler, type TunnelEntry, threshold, tunnel } from './row-schema.ts';

const protocol = z.enum(['tcp', 'udp', 'sctp']).describe('Transport protocol of services by address.');

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

/** 2^32 - 1: a firewall mark is 32 bits, and 0 is no mark. */
const largestMark = 4_294_967_295;
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
    marks,
    interface: serviceInterface,
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
          upper_threshold: threshold
            .optional()
            .describe('Connections above which no new ones come; 0, the default: no limit.'),
          lower_threshold: threshold
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
