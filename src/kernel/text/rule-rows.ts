import { isIPv4 } from 'node:net';
import { type Endpoint, familyOf, ipToBytes } from '../../core/address.ts';
import {
  type Forwarding,
  type Persistence,
  type Protocol,
  type SchedulerFlag,
  type ServerRow,
  type ServiceIdentity,
  type ServiceRow,
  serviceFamily,
} from '../../core/table.ts';
import { readMask } from '../netmask.ts';
import { type CommandLine, Mistake } from './command-line.ts';
import { type Lookup, readHostAndPort } from './lookup.ts';
import { parseNumber, readChoice, readName, readNumber, required } from './option-values.ts';
import { longestTimeoutSeconds } from './rule-settings.ts';
import { readTunnel } from './rule-tunnel.ts';

/** The service that a line names. Throws `Mistake`. */
export function readIdentity(line: CommandLine, lookup: Lookup): ServiceIdentity {
  const { options } = line;
  const option = required(readChoice(line, serviceOptions), line, 'a service: -t, -u, --sctp-service or -f');
  const text = options.get(option) ?? '';
  const isIpv6 = options.has('ipv6');
  if (option === 'fwmark-service') return { kind: 'fwmark', mark: readMark(text), family: isIpv6 ? 'ipv6' : 'ipv4' };
  if (isIpv6) throw new Mistake('option -6 goes with -f alone');
  const protocol = protocols[option];
  const { address, port = 0 } = readHostAndPort(text, protocol, lookup);
  return { kind: 'address', protocol, address, port };
}

/** Throws `Mistake`. */
export function readServiceRow(line: CommandLine, lookup: Lookup): ServiceRow {
  const identity = readIdentity(line, lookup);
  // IP_VS_SCHEDNAME_MAXLEN, less the NUL at the end.
  const scheduler = readName(line, 'scheduler', 15) ?? 'wlc';
  const schedulerFlags = readFlags(line.options.get('sched-flags'), scheduler);
  const row = {
    identity,
    scheduler,
    schedulerFlags,
    isOnePacket: line.options.has('ops'),
    persistence: readPersistence(line, identity),
  };
  refuseWhatCannotServe(row);
  return row;
}

/** The server, by what it is told apart by. Throws `Mistake`. */
export function readServerEndpoint(
  line: CommandLine,
  lookup: Lookup,
): { readonly identity: ServiceIdentity; readonly server: Endpoint } {
  const identity = readIdentity(line, lookup);
  const text = required(line.options.get('real-server'), line, 'a server: -r');
  const isMark = identity.kind === 'fwmark';
  const { address, port } = readHostAndPort(text, isMark ? 'tcp' : identity.protocol, lookup);
  return { identity, server: { address, port: port ?? (isMark ? 0 : identity.port) } };
}

/** Throws `Mistake`. */
export function readServerRow(
  line: CommandLine,
  lookup: Lookup,
): { readonly identity: ServiceIdentity; readonly server: ServerRow } {
  const { identity, server } = readServerEndpoint(line, lookup);
  const forwarding = forwardings[readChoice(line, forwardingOptions) ?? 'gatewaying'];
  const isTunnel = forwarding === 'tun';
  if (familyOf(server.address) !== serviceFamily(identity) && !isTunnel) {
    throw new Mistake(`${server.address} is not of the service's address family: only a tunnel (-i) leads there`);
  }
  return {
    identity,
    server: {
      address: server.address,
      // Only NAT can send to another port; of the others ipvsadm takes the service's, whatever the line says.
      port: forwarding === 'nat' || identity.kind === 'fwmark' ? server.port : identity.port,
      forwarding,
      weight: readNumber(line, 'weight', [0, int32Max], 1),
      ...readThresholds(line),
      // Named even where there is none, for an edit to take away the one before.
      tunnel: readTunnel(line, isTunnel),
    },
  };
}

const int32Max = 2 ** 31 - 1;
const serviceOptions = ['tcp-service', 'udp-service', 'sctp-service', 'fwmark-service'] as const;
const protocols: Record<Exclude<(typeof serviceOptions)[number], 'fwmark-service'>, Protocol> = {
  'tcp-service': 'tcp',
  'udp-service': 'udp',
  'sctp-service': 'sctp',
};
const forwardingOptions = ['gatewaying', 'ipip', 'masquerading'] as const;
const forwardings: Record<(typeof forwardingOptions)[number], Forwarding> = {
  gatewaying: 'dr',
  ipip: 'tun',
  masquerading: 'nat',
};

/** ipvsadm prints the marks from 2^31 on as negative numbers, and does not read them back. */
function readMark(text: string): number {
  const mark = parseNumber(text, '--fwmark-service', [-(2 ** 31), 2 ** 32 - 1]) >>> 0;
  if (mark === 0) throw new Mistake('0 is not a firewall mark: it is the mark of packets without one');
  return mark;
}

function readPersistence(line: CommandLine, identity: ServiceIdentity): Persistence | undefined {
  const netmask = readNetmask(line.options.get('netmask'), identity);
  // IP_VS_PENAME_MAXLEN
  const engine = readName(line, 'pe', 16);
  const timeout = line.options.get('persistent');
  if (timeout === undefined) return undefined;
  return {
    // IPVS_SVC_PERSISTENT_TIMEOUT of ipvsadm; its manual tells of 300.
    timeoutSeconds: timeout === '' ? 360 : parseNumber(timeout, '--persistent', [1, longestTimeoutSeconds]),
    ...netmask,
    ...(engine !== undefined && { engine }),
  };
}

function readNetmask(
  text: string | undefined,
  identity: ServiceIdentity,
): Pick<Persistence, 'prefixLength' | 'netmask'> {
  if (serviceFamily(identity) === 'ipv6') {
    return { prefixLength: text === undefined ? 128 : parseNumber(text, '--netmask', [1, 128]) };
  }
  if (text === undefined) return { prefixLength: 32 };
  if (isIPv4(text)) return readMask(Buffer.from(ipToBytes(text)));
  throw new Mistake(`'${text}' is not a value of --netmask: write a mask such as 255.255.255.0`);
}

function readFlags(text: string | undefined, scheduler: string): readonly SchedulerFlag[] {
  const named = new Set(text?.split(',').map((name) => flagOf(name, scheduler)));
  return (['flag-1', 'flag-2', 'flag-3'] as const).filter((flag) => named.has(flag));
}

function flagOf(name: string, scheduler: string): SchedulerFlag {
  if (name === 'flag-1' || name === 'flag-2' || name === 'flag-3') return name;
  const [, owner, meaning] = /^(sh|mh)-(fallback|port)$/.exec(name) ?? [];
  if (owner === undefined) throw new Mistake(`'${name}' is not a flag of a scheduler`);
  if (owner !== scheduler) throw new Mistake(`'${name}' is a flag of the scheduler ${owner}, not of ${scheduler}`);
  return meaning === 'fallback' ? 'flag-1' : 'flag-2';
}

function refuseWhatCannotServe({ identity, isOnePacket, persistence }: ServiceRow): void {
  if (identity.kind === 'fwmark') return;
  if (identity.port === 0 && persistence === undefined) {
    throw new Mistake('a service of every port (port 0) needs persistence: -p');
  }
  if (isOnePacket && identity.protocol !== 'udp') throw new Mistake('option --ops is for UDP services and marks alone');
}

function readThresholds(line: CommandLine): Pick<ServerRow, 'upperThreshold' | 'lowerThreshold'> {
  const upperThreshold = readNumber(line, 'u-threshold', [0, int32Max], 0);
  const lowerThreshold = readNumber(line, 'l-threshold', [0, int32Max], 0);
  if (lowerThreshold <= upperThreshold) return { upperThreshold, lowerThreshold };
  throw new Mistake(`the lower threshold (-y ${lowerThreshold}) is above the upper (-x ${upperThreshold})`);
}
