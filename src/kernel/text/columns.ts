import type { Forwarding, TableServer, Traffic, Tunnel, TunnelChecksum } from '../../core/table.ts';
import { formatCount } from './sizes.ts';

/** Which columns a listing has. */
export type Layout = 'rows' | 'statistics' | 'rates' | 'thresholds' | 'persistent' | 'tunnels';

/** The two lines above the rows. */
export const titles: Record<Layout, readonly [string, string]> = {
  rows: [
    'Prot LocalAddress:Port Scheduler Flags',
    '  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn',
  ],
  statistics: wideTitle('   Conns', '  InPkts', ' OutPkts', ' InBytes', 'OutBytes'),
  rates: wideTitle('     CPS', '   InPPS', '  OutPPS', '   InBPS', '  OutBPS'),
  thresholds: wideTitle('Uthreshold', 'Lthreshold', 'ActiveConn', 'InActConn '),
  persistent: wideTitle('Weight   ', 'PersistConn', 'ActiveConn', 'InActConn '),
  tunnels: [
    'Prot LocalAddress:Port Scheduler Flags',
    '  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn',
  ],
};

/** What stands behind the name of a server. */
export function formatServerColumns(server: TableServer, layout: Layout = 'rows', isExact = false): string {
  const { weight, upperThreshold, lowerThreshold, forwarding } = server;
  const { active = 0, inactive = 0, persistent = 0 } = server.connections ?? {};
  switch (layout) {
    case 'statistics':
      return formatCounts(server.traffic, isExact);
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

/** The five numbers of a service or server, each in a column of nine or more. */
export function formatCounts(traffic = noTraffic, isExact = false): string {
  const { connections, incomingPackets, outgoingPackets, incomingBytes, outgoingBytes } = traffic;
  const numbers = [connections, incomingPackets, outgoingPackets, incomingBytes, outgoingBytes];
  return numbers.map((number) => formatCount(number, isExact)).join('');
}

const noTraffic: Traffic = {
  connections: 0,
  incomingPackets: 0,
  outgoingPackets: 0,
  incomingBytes: 0,
  outgoingBytes: 0,
};

function wideTitle(...names: readonly string[]): readonly [string, string] {
  return [['Prot LocalAddress:Port'.padEnd(33), ...names].join(' '), '  -> RemoteAddress:Port'];
}

function columns(...cells: readonly (readonly [value: string | number, width: number])[]): string {
  return cells.map(([value, width]) => ` ${`${value}`.padEnd(width)}`).join('');
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
