import type { Table, TableServer, TableService } from '../../core/table.ts';
import { formatCounts, formatServerColumns, type Layout, titles } from './columns.ts';
import { type Names, nameEndpoint } from './names.ts';
import { sortServers, sortServices } from './order.ts';
import { flagNames, netmaskWord } from './words.ts';

/** What the first line of a listing tells of the kernel. */
export interface TableHeader {
  readonly version: string;
  /** Buckets of the kernel's table of connections. */
  readonly size: number;
}

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

function serviceLine(service: TableService, { layout, isExact = false, names }: ListingOptions): string {
  const name = serviceName(service, names);
  if (layout === 'statistics') return name.padEnd(33) + formatCounts(service.traffic, isExact);
  if (layout === 'rates') return name.padEnd(33) + formatCounts(service.rates, isExact);
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
  return `  -> ${name}${formatServerColumns(server, options.layout, options.isExact)}`;
}
