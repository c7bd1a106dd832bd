import { isIPv4, isIPv6 } from 'node:net';
import { parseIp } from '../../core/address.ts';
import type { SyncDaemon, SyncRole, Timeouts } from '../../core/settings.ts';
import { type CommandLine, Mistake } from './command-line.ts';
import { parseNumber, readName, readNumber } from './option-values.ts';

/** 31 days, ipvsadm's own limit. */
export const longestTimeoutSeconds = 31 * 86_400;

/** The three values of `--set`. Throws `Mistake`. */
export function readTimeouts(values: readonly string[]): Timeouts {
  const [tcp, tcpFin, udp] = values;
  if (tcp === undefined || tcpFin === undefined || udp === undefined) {
    throw new Mistake('--set needs three timeouts: of TCP, of TCP after a FIN, of UDP');
  }
  const seconds = (text: string) => parseNumber(text, '--set', [0, longestTimeoutSeconds]);
  return { tcpSeconds: seconds(tcp), tcpFinSeconds: seconds(tcpFin), udpSeconds: seconds(udp) };
}

/** What is left out is as ipvsadm and the kernel have it. Throws `Mistake`. */
export function readDaemon(line: CommandLine): SyncDaemon {
  return {
    role: readRole(line.rest[0] ?? ''),
    // IP_VS_IFNAME_MAXLEN, less the NUL at the end.
    interface: readName(line, 'mcast-interface', 15) ?? 'eth0',
    syncId: readNumber(line, 'syncid', [0, 255], 0),
    group: readGroup(line.options.get('mcast-group') ?? '224.0.0.81'),
    port: readNumber(line, 'mcast-port', [1, 65_535], 8848),
    ttl: readNumber(line, 'mcast-ttl', [1, 255], 1),
    // 0: what fits into one packet of the interface. The headers of IPv4 and UDP take 28 bytes of the most there can be.
    maxLength: readNumber(line, 'sync-maxlen', [1, 65_535 - 28], 0),
  };
}

/** Throws `Mistake`. */
export function readRole(text: string): SyncRole {
  if (text === 'master' || text === 'backup') return text;
  throw new Mistake(`'${text}' is not the role of a daemon: write master or backup`);
}

function readGroup(text: string): string {
  const isMulticast = isIPv4(text) ? /^(22[4-9]|23\d)\./.test(text) : isIPv6(text) && /^ff/i.test(text);
  const parsed = parseIp(text);
  if (isMulticast && parsed.ok) return parsed.value;
  throw new Mistake(`'${text}' is not a value of --mcast-group: write a multicast address`);
}
