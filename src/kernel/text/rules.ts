import {
  type Forwarding,
  type Op,
  type OpKind,
  type ServerRow,
  type ServiceRow,
  serverKey,
  type Table,
  type TunnelChecksum,
} from '../../core/table.ts';
import { sortServers, sortServices } from './order.ts';
import { flagNames, identityWords, netmaskWord } from './words.ts';

/** An op as arguments of ipvsadm: `-a -t 192.0.2.1:80 -r 10.0.0.7:80 -g -w 2`. */
export function formatOp(op: Op): string {
  const words = [options[op.kind], ...identityWords(op.service.identity)];
  if (op.kind === 'add_service' || op.kind === 'edit_service') words.push(...serviceWords(op.service));
  if ('server' in op) words.push('-r', serverKey(op.server));
  if (op.kind === 'add_server' || op.kind === 'edit_server') {
    const { tunnel } = op.server;
    words.push(...serverWords(op.server), ...(tunnel ? tunnelWords(op.server) : []), ...thresholdWords(op.server));
  }
  return words.join(' ');
}

/** The table as `ipvsadm -S -n` prints it, one rule a line. It leaves out the connection thresholds; complete: with them. */
export function formatRules(table: Table, isComplete = false): string {
  const lines: (readonly string[])[] = [];
  for (const service of sortServices(table)) {
    const identity = identityWords(service.identity);
    lines.push(['-A', ...identity, ...serviceWords(service)]);
    for (const server of sortServers(service)) {
      const thresholds = isComplete ? thresholdWords(server) : [];
      lines.push([
        '-a',
        ...identity,
        '-r',
        serverKey(server),
        ...serverWords(server),
        ...tunnelWords(server),
        ...thresholds,
      ]);
    }
  }
  return lines.map((words) => `${words.join(' ')}\n`).join('');
}

const options: Record<OpKind, string> = {
  add_service: '-A',
  edit_service: '-E',
  del_service: '-D',
  add_server: '-a',
  edit_server: '-e',
  del_server: '-d',
};
const forwardingOptions: Record<Forwarding, string> = { nat: '-m', dr: '-g', tun: '-i' };
const checksumOptions: Record<TunnelChecksum, string> = {
  none: '--tun-nocsum',
  checksum: '--tun-csum',
  remote: '--tun-remcsum',
};

function serviceWords(service: ServiceRow): readonly string[] {
  const { identity, scheduler, schedulerFlags, isOnePacket, persistence } = service;
  const words = ['-s', scheduler];
  if (persistence !== undefined) {
    words.push('-p', `${persistence.timeoutSeconds}`);
    const netmask = netmaskWord(identity, persistence);
    if (netmask !== undefined) words.push('-M', netmask);
    if (persistence.engine !== undefined) words.push('--pe', persistence.engine);
  }
  if (isOnePacket) words.push('-o');
  if (schedulerFlags.length > 0) words.push('-b', flagNames(service));
  return words;
}

function serverWords({ forwarding, weight }: ServerRow): readonly string[] {
  return [forwardingOptions[forwarding], '-w', `${weight}`];
}

function tunnelWords({ forwarding, tunnel }: ServerRow): readonly string[] {
  if (forwarding !== 'tun') return [];
  if (tunnel === undefined) return ['--tun-type', 'ipip'];
  const port = tunnel.type === 'gue' ? ['--tun-port', `${tunnel.port}`] : [];
  return ['--tun-type', tunnel.type, ...port, checksumOptions[tunnel.checksum]];
}

function thresholdWords({ upperThreshold, lowerThreshold }: ServerRow): readonly string[] {
  const words: string[] = [];
  if (upperThreshold > 0) words.push('-x', `${upperThreshold}`);
  if (lowerThreshold > 0) words.push('-y', `${lowerThreshold}`);
  return words;
}
