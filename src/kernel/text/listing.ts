import type {
  Forwarding,
  Table,
  TableServer,
  TableService,
  Traffic,
  Tunnel,
  TunnelChecksum,
} from '../../core/table.ts';
import { type Names, nameEndpoint } from './names.ts';
import { sortServers, sortServices } from './order.ts';
import { formatCount } from './sizes.ts';
import { flagNames, netmaskWord } from './words.ts';

/** What the first line of a listing tells of the kernel. */
export interface TableHeader {
  readonly version: string;
  /** Buckets of the kernel's table of connections. */
  readonly size: number;
}

/** Which columns a listing has. */
export type Layout = 'rows' | 'statistics' | 'rates' | 'thresholds' | 'persistent' | 'tunnels';

export interface ListingOptions {
  /** Absent where one service is listed alone. */
  readonly header?: TableHeader | undefined;
  readonly layout?: Layout | undefined;
  /** Counters with every digit. */
  readonly isExact?: boolean | undefined;
  /** In the order of the kernel. */
  readonly isUnsorted?: boolean | undefined;
  /** Absent: numbers. */
  readonly names?: Names | undefined;
}

/** The table as `ipvsadm -L` prints it, ending in a newline. */
export function formatListing(table: Table, options: ListingOptions = {}): string {
  const { header, layout = 'rows', isUnsorted = false } = options;
  const lines = header ? [`IP Virtual Server version ${header.version} (size=${header.size})`] : [];
  lines.push(...titles[layout]);
  for (const service of isUnsorted ? table.values() : sortServices(table)) {
    lines.push(serviceLine(service, options));
    const servers = isUnsorted ? service.servers.values() : sortServers(service);
    for (const server of servers) lines.push(serverLine(server, service, options));
  }
  return `${lines.join('\n')}\n`;
}

const wideTitle = (...columns: readonly string[]) => ['Prot LocalAddress:Port'.padEnd(33), ...columns].join(' ');

const titles: Record<Layout, readonly [string, string]> = {
  rows: [
    'Prot LocalAddress:Port Scheduler Flags',
    '  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn',
  ],
  statistics: [wideTitle('   Conns', '  InPkts', ' OutPkts', ' InBytes', 'OutBytes'), '  -> RemoteAddress:Port'],
  rates: [wideTitle('     CPS', '   InPPS', '  OutPPS', '   InBPS', '  OutBPS'), '  -> RemoteAddress:Port'],
  thresholds: [wideTitle('Uthreshold', 'Lthreshold', 'ActiveConn', 'InActConn '), '  -> RemoteAddress:Port'],
  persistent: [wideTitle('Weight   ', 'PersistConn', 'ActiveConn', 'InActConn '), '  -> RemoteAddress:Port'],
  tunnels: [
    'Prot LocalAddress:Port Scheduler Flags',
    '  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn',
  ],
};

function serviceLine(service: TableService, { layout, isExact = false, names }: ListingOptions): string {
  const name = serviceName(service, names);
  if (layout === 'statistics') return name.padEnd(33) + counts(service.traffic, isExact);
  if (layout === 'rates') return name.padEnd(33) + counts(service.rates, isExact);
  return [name, ...settingWords(service)].join(' ');
}

function serviceName({ identity }: TableService, names: Names | undefined): string {
  if (identity.kind === 'fwmark') return `FWM  ${identity.mark}${identity.family === 'ipv6' ? ' IPv6' : ''}`;
  const name = `${identity.protocol.toUpperCase().padEnd(4)} ${nameEndpoint(identity, identity.protocol, names)}`;
  return cut(name, identity.address, 33);
}

/** Names of IPv4 hosts end where the column ends; ipvsadm leaves those of IPv6 alone. */
function cut(name: string, address: string, columns: number): string {
  return address.includes(':') ? name : name.slice(0, columns);
}

function settingWords(service: TableService): readonly string[] {
  const { identity, scheduler, schedulerFlags, isOnePacket, persistence } = service;
  const words = [scheduler];
  if (schedulerFlags.length > 0) words.push(`(${flagNames(service)})`);
  if (persistence !== undefined) {
    words.push('persistent', `${persistence.timeoutSeconds}`);
    const netmask = netmaskWord(identity, persistence);
    if (netmask !== undefined) words.push('mask', netmask);
    if (persistence.engine !== undefined) words.push('pe', persistence.engine);
  }
  return isOnePacket ? [...words, 'ops'] : words;
}

function serverLine(server: TableServer, { identity }: TableService, options: ListingOptions): string {
  const protocol = identity.kind === 'address' ? identity.protocol : undefined;
  const name = cut(nameEndpoint(server, protocol, options.names), server.address, 28).padEnd(28);
  return `  -> ${name}${serverColumns(server, options)}`;
}

function serverColumns(server: TableServer, { layout = 'rows', isExact = false }: ListingOptions): string {
  const { weight, upperThreshold, lowerThreshold, forwarding } = server;
  const { active = 0, inactive = 0, persistent = 0 } = server.connections ?? {};
  switch (layout) {
    case 'statistics':
      return counts(server.traffic, isExact);
    case 'rates':
      return serverRates(server.rates, isExact);
    case 'thresholds':
      return columns([upperThreshold, 10], [lowerThreshold, 10], [active, 10], [inactive, 10]);
    case 'persistent':
      return columns([weight, 9], [persistent, 11], [active, 10], [inactive, 10]);
    case 'tunnels':
      return columns(
        [forwardingNames[forwarding], 7],
        [tunnelWord(server), 13],
        [weight, 6],
        [active, 10],
        [inactive, 10],
      );
    case 'rows':
      return columns([forwardingNames[forwarding], 7], [weight, 6], [active, 10], [inactive, 10]);
  }
}

function columns(...cells: readonly (readonly [value: string | number, width: number])[]): string {
  return cells.map(([value, width]) => ` ${`${value}`.padEnd(width)}`).join('');
}

const noTraffic: Traffic = {
  connections: 0,
  incomingPackets: 0,
  outgoingPackets: 0,
  incomingBytes: 0,
  outgoingBytes: 0,
};

function counts(traffic = noTraffic, isExact: boolean): string {
  const { connections, incomingPackets, outgoingPackets, incomingBytes, outgoingBytes } = traffic;
  const numbers = [connections, incomingPackets, outgoingPackets, incomingBytes, outgoingBytes];
  return numbers.map((number) => formatCount(number, isExact)).join('');
}

/** The rates of a server are told in units only where they are of bytes. */
function serverRates(rates = noTraffic, isExact: boolean): string {
  const { connections, incomingPackets, outgoingPackets, incomingBytes, outgoingBytes } = rates;
  const plain = [connections, incomingPackets, outgoingPackets].map((number) => ` ${`${number}`.padStart(8)}`);
  return [...plain, formatCount(incomingBytes, isExact), formatCount(outgoingBytes, isExact)].join('');
}

const forwardingNames: Record<Forwarding, string> = { nat: 'Masq', dr: 'Route', tun: 'Tunnel' };
const checksumWords: Record<TunnelChecksum, string> = { none: '-c', checksum: '+c', remote: 'r+c' };

function tunnelWord({ forwarding, tunnel }: TableServer): string {
  if (forwarding !== 'tun') return 'n/a';
  if (tunnel === undefined) return 'ipip';
  return tunnelWords(tunnel).join(':');
}

function tunnelWords(tunnel: Tunnel): readonly (string | number)[] {
  const checksum = checksumWords[tunnel.checksum];
  return tunnel.type === 'gue' ? [tunnel.type, tunnel.port, checksum] : [tunnel.type, checksum];
}
