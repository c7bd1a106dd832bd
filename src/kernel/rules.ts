import { familyOf, formatEndpoint, ipToBytes } from '../core/address.ts';
import {
  type Forwarding,
  type Op,
  type OpKind,
  type Persistence,
  type SchedulerFlag,
  type ServerRow,
  type ServiceIdentity,
  type ServiceRow,
  serverKey,
  serviceFamily,
  type Table,
  type TableServer,
  type TableService,
} from '../core/table.ts';
import { protocols } from './numbers.ts';

/** What the first line of a listing tells of the kernel. */
export interface TableHeader {
  readonly version: string;
  /** Buckets of the kernel's table of connections. */
  readonly size: number;
}

/** The table as `ipvsadm -L -n` prints it, in its order, ending in a newline. */
export function formatTable(table: Table, { version, size }: TableHeader = { version: '1.2.1', size: 4096 }): string {
  const lines = [
    `IP Virtual Server version ${version} (size=${size})`,
    'Prot LocalAddress:Port Scheduler Flags',
    '  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn',
  ];
  for (const service of sortServices(table)) {
    lines.push(serviceLine(service), ...sortServers(service).map(serverLine));
  }
  return `${lines.join('\n')}\n`;
}

/** An op as arguments of ipvsadm: `-a -t 192.0.2.1:80 -r 10.0.0.7:80 -g -w 2`. */
export function formatOp(op: Op): string {
  const words = [options[op.kind], ...identityWords(op.service.identity)];
  if (op.kind === 'add_service' || op.kind === 'edit_service') words.push(...serviceWords(op.service));
  if ('server' in op) words.push('-r', serverKey(op.server));
  if (op.kind === 'add_server' || op.kind === 'edit_server') words.push(...serverWords(op.server));
  return words.join(' ');
}

const options: Record<OpKind, string> = {
  add_service: '-A',
  edit_service: '-E',
  del_service: '-D',
  add_server: '-a',
  edit_server: '-e',
  del_server: '-d',
};
const protocolOptions = { tcp: '-t', udp: '-u', sctp: '--sctp-service' } as const;
const forwardingOptions: Record<Forwarding, string> = { nat: '-m', dr: '-g', tun: '-i' };
const forwardingNames: Record<Forwarding, string> = { nat: 'Masq', dr: 'Route', tun: 'Tunnel' };

function identityWords(identity: ServiceIdentity): readonly string[] {
  if (identity.kind === 'address') return [protocolOptions[identity.protocol], formatEndpoint(identity)];
  return ['-f', `${identity.mark}`, ...(identity.family === 'ipv6' ? ['-6'] : [])];
}

function serviceWords({ identity, scheduler, schedulerFlags, persistence }: ServiceRow): readonly string[] {
  const words = ['-s', scheduler];
  if (persistence !== undefined) words.push('-p', `${persistence.timeoutSeconds}`);
  const netmask = netmaskOf(identity, persistence);
  if (netmask !== undefined) words.push('-M', netmask);
  if (schedulerFlags.length > 0) words.push('-b', flagNames(scheduler, schedulerFlags));
  return words;
}

function serverWords({ forwarding, weight, upperThreshold, lowerThreshold }: ServerRow): readonly string[] {
  const words = [forwardingOptions[forwarding], '-w', `${weight}`];
  if (upperThreshold > 0) words.push('-x', `${upperThreshold}`);
  if (lowerThreshold > 0) words.push('-y', `${lowerThreshold}`);
  return words;
}

function serviceLine({ identity, scheduler, schedulerFlags, persistence }: TableService): string {
  const words = [serviceName(identity), scheduler];
  if (schedulerFlags.length > 0) words.push(`(${flagNames(scheduler, schedulerFlags)})`);
  if (persistence !== undefined) words.push('persistent', `${persistence.timeoutSeconds}`);
  const netmask = netmaskOf(identity, persistence);
  if (netmask !== undefined) words.push('mask', netmask);
  return words.join(' ');
}

function serviceName(identity: ServiceIdentity): string {
  if (identity.kind === 'fwmark') return `FWM  ${identity.mark}${identity.family === 'ipv6' ? ' IPv6' : ''}`;
  return `${identity.protocol.toUpperCase().padEnd(4)} ${formatEndpoint(identity)}`;
}

function serverLine(server: TableServer): string {
  const columns = [
    serverKey(server).padEnd(28),
    forwardingNames[server.forwarding].padEnd(7),
    `${server.weight}`.padEnd(6),
    `${server.connections?.active ?? 0}`.padEnd(10),
    `${server.connections?.inactive ?? 0}`.padEnd(10),
  ];
  return `  -> ${columns.join(' ')}`;
}

/** The first two flags have names of their own where the scheduler gives them a meaning. */
function flagNames(scheduler: string, flags: readonly SchedulerFlag[]): string {
  const hasNames = scheduler === 'sh' || scheduler === 'mh';
  const names: Partial<Record<SchedulerFlag, string>> = {
    'flag-1': `${scheduler}-fallback`,
    'flag-2': `${scheduler}-port`,
  };
  return flags.map((flag) => (hasNames && names[flag]) || flag).join(',');
}

/** Undefined where the whole address counts: that goes without saying. */
function netmaskOf(identity: ServiceIdentity, persistence: Persistence | undefined): string | undefined {
  if (persistence === undefined) return undefined;
  const { prefixLength } = persistence;
  if (serviceFamily(identity) === 'ipv6') return prefixLength === 128 ? undefined : `${prefixLength}`;
  return prefixLength === 32 ? undefined : dottedMask(prefixLength);
}

function dottedMask(prefixLength: number): string {
  const ones = [0, 8, 16, 24].map((from) => Math.min(8, Math.max(0, prefixLength - from)));
  return ones.map((count) => 256 - 2 ** (8 - count)).join('.');
}

function sortServices(table: Table): readonly TableService[] {
  return sortBy([...table.values()], ({ identity }) =>
    identity.kind === 'fwmark'
      ? [identity.mark, familyRank(identity.family)]
      : [
          0,
          familyRank(familyOf(identity.address)),
          protocols[identity.protocol],
          ...words(identity.address),
          identity.port,
        ],
  );
}

function sortServers({ servers }: TableService): readonly TableServer[] {
  return sortBy([...servers.values()], ({ address, port }) => [familyRank(familyOf(address)), ...words(address), port]);
}

function sortBy<T>(rows: readonly T[], numbersOf: (row: T) => readonly number[]): readonly T[] {
  const keyed = rows.map((row) => ({ row, numbers: numbersOf(row) }));
  return keyed.sort((a, b) => compare(a.numbers, b.numbers)).map(({ row }) => row);
}

/** ipvsadm orders 32-bit numbers by their difference in a signed int, which wraps: 192.0.2.1 comes before 10.0.0.1. */
function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = (value - (b[index] ?? 0)) | 0;
    if (difference !== 0) return difference;
  }
  return 0;
}

function familyRank(family: 'ipv4' | 'ipv6'): number {
  return family === 'ipv4' ? 0 : 1;
}

/** The address in 32-bit numbers. */
function words(address: string): readonly number[] {
  const bytes = Buffer.from(ipToBytes(address));
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt32BE(index * 4));
}
