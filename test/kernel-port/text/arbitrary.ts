import fc from 'fast-check';
import { applyOps } from '../../../src/core/apply.ts';
import {
  type Op,
  type Persistence,
  type ServerRow,
  type ServiceIdentity,
  type ServiceRow,
  serviceFamily,
  type Table,
  type Tunnel,
} from '../../../src/core/table.ts';
import { addServer, addService } from '../../contract/kernel.ts';

const ipv4 = fc
  .tuple(fc.integer({ min: 1, max: 223 }), fc.nat(255), fc.nat(255), fc.nat(255))
  .map((bytes) => bytes.join('.'));
const ipv6 = fc.tuple(fc.nat(0xffff), fc.integer({ min: 1, max: 0xffff })).map(([a, b]) => {
  return `2001:db8:${(a || 1).toString(16)}::${b.toString(16)}`;
});
const port = fc.integer({ min: 1, max: 65_535 });
const seconds = fc.integer({ min: 1, max: 31 * 86_400 });
const family = fc.constantFrom('ipv4' as const, 'ipv6' as const);

const identity: fc.Arbitrary<ServiceIdentity> = fc.oneof(
  fc.record({
    kind: fc.constant('address' as const),
    protocol: fc.constantFrom('tcp' as const, 'udp' as const, 'sctp' as const),
    address: fc.oneof(ipv4, ipv6),
    port: fc.oneof({ weight: 4, arbitrary: port }, fc.constant(0)),
  }),
  fc.record({ kind: fc.constant('fwmark' as const), mark: fc.integer({ min: 1, max: 0xffffffff }), family }),
);

const schedulers = 'rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh'.split(' ');
const engine = fc.option(fc.constant('sip'), { nil: undefined });
const ipv4Masks: readonly Pick<Persistence, 'prefixLength' | 'netmask'>[] = [
  { prefixLength: 16, netmask: '255.0.255.0' },
  { prefixLength: 1, netmask: '0.0.0.1' },
  ...Array.from({ length: 33 }, (_, prefixLength) => ({ prefixLength })),
];

function persistenceOf(of: ServiceIdentity): fc.Arbitrary<Persistence> {
  const granularity =
    serviceFamily(of) === 'ipv4'
      ? fc.constantFrom(...ipv4Masks)
      : fc.record({ prefixLength: fc.integer({ min: 1, max: 128 }) });
  return fc
    .record({ timeoutSeconds: seconds, granularity, engine })
    .map(({ granularity: mask, engine: name, ...rest }) => {
      return { ...rest, ...mask, ...(name !== undefined && { engine: name }) };
    });
}

function serviceOf(of: ServiceIdentity): fc.Arbitrary<ServiceRow> {
  const mayBeOnePacket = of.kind === 'fwmark' || of.protocol === 'udp';
  const needsPersistence = of.kind === 'address' && of.port === 0;
  const persistence = persistenceOf(of);
  return fc.record({
    identity: fc.constant(of),
    scheduler: fc.constantFrom(...schedulers),
    schedulerFlags: fc.subarray(['flag-1', 'flag-2', 'flag-3'] as const).map((flags) => [...flags]),
    isOnePacket: mayBeOnePacket ? fc.boolean() : fc.constant(false),
    persistence: needsPersistence ? persistence : fc.option(persistence, { nil: undefined }),
  });
}

const tunnel: fc.Arbitrary<Tunnel | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.record({
    type: fc.constant('gue' as const),
    port,
    checksum: fc.constantFrom('none' as const, 'checksum' as const, 'remote' as const),
  }),
  fc.record({ type: fc.constant('gre' as const), checksum: fc.constantFrom('none' as const, 'checksum' as const) }),
);

const thresholds = fc
  .tuple(fc.nat(2 ** 31 - 1), fc.nat(2 ** 31 - 1))
  .map(([a, b]) => ({ upperThreshold: Math.max(a, b), lowerThreshold: Math.min(a, b) }));

function serverOf(of: ServiceIdentity): fc.Arbitrary<ServerRow> {
  const near = serviceFamily(of) === 'ipv4' ? ipv4 : ipv6;
  // Where it is not NAT, the port is the service's; a mark has none.
  const ownPort = of.kind === 'fwmark' ? fc.oneof(port, fc.constant(0)) : fc.constant(of.port);
  const weight = fc.oneof(fc.nat(65_535), fc.constant(2 ** 31 - 1));
  const common = { weight, limits: thresholds };
  return fc
    .oneof(
      fc.record({ address: near, port: fc.oneof(port, ownPort), forwarding: fc.constant('nat' as const), ...common }),
      fc.record({ address: near, port: ownPort, forwarding: fc.constant('dr' as const), ...common }),
      fc.record({
        address: fc.oneof(ipv4, ipv6),
        port: ownPort,
        forwarding: fc.constant('tun' as const),
        tunnel,
        ...common,
      }),
    )
    .map(({ limits, ...row }) => ({ ...row, ...limits }));
}

const rows = identity.chain((of) =>
  fc.record({ service: serviceOf(of), servers: fc.array(serverOf(of), { maxLength: 6 }) }),
);

/** Tables of every shape that the kernel takes. */
export const tables: fc.Arbitrary<Table> = fc.array(rows, { maxLength: 8 }).map((services) =>
  applyOps(
    new Map(),
    services.flatMap(({ service, servers }): readonly Op[] => [
      addService(service),
      ...servers.map((server) => addServer(service, server)),
    ]),
  ),
);
