import { type Family, familyOf, formatEndpoint } from './address.ts';

export type Protocol = 'tcp' | 'udp' | 'sctp';
export type Forwarding = 'nat' | 'dr' | 'tun';
/** The kernel's three per-scheduler bits; `sh-fallback`, `sh-port` and so on are names for the first two. */
export type SchedulerFlag = 'flag-1' | 'flag-2' | 'flag-3';
/** How a tunnel's outer packet checks what it carries: not at all, by a checksum, or by one that the receiver makes up. */
export type TunnelChecksum = 'none' | 'checksum' | 'remote';

/** What the kernel tells services apart by. */
export type ServiceIdentity =
  | { readonly kind: 'address'; readonly protocol: Protocol; readonly address: string; readonly port: number }
  | { readonly kind: 'fwmark'; readonly mark: number; readonly family: Family };

/** A virtual service as the kernel holds it, without its servers. */
export interface ServiceRow {
  readonly identity: ServiceIdentity;
  readonly scheduler: string;
  /** In ascending order. */
  readonly schedulerFlags: readonly SchedulerFlag[];
  /** Each packet is scheduled by itself: for UDP services that answer one packet with one. */
  readonly isOnePacket: boolean;
  readonly persistence: Persistence | undefined;
}

export interface Persistence {
  readonly timeoutSeconds: number;
  /** How much of the client's address counts: 0 to 32, or 0 to 128. */
  readonly prefixLength: number;
  /** An IPv4 mask with holes, such as 255.0.255.0, that no prefix length says; `prefixLength` then counts its ones. */
  readonly netmask?: string | undefined;
  /** Name of the persistence engine, `sip`; absent: a client is told by its address. */
  readonly engine?: string | undefined;
}

/** What a packet to a server is wrapped in, where that is not the plain IP-in-IP. */
export type Tunnel =
  | { readonly type: 'gue'; readonly port: number; readonly checksum: TunnelChecksum }
  | { readonly type: 'gre'; readonly checksum: Exclude<TunnelChecksum, 'remote'> };

/** A real server as the kernel holds it. */
export interface ServerRow {
  readonly address: string;
  readonly port: number;
  readonly forwarding: Forwarding;
  readonly weight: number;
  /** Connections above which no new ones come; 0: no limit. */
  readonly upperThreshold: number;
  /** Connections below which new ones come again; 0: three quarters of the upper threshold. */
  readonly lowerThreshold: number;
  /** Only with `tun`; absent: IP in IP. */
  readonly tunnel?: Tunnel | undefined;
}

/** The kernel's counters since the row was added or set to zero; or what it estimates of them for one second. */
export interface Traffic {
  readonly connections: number;
  readonly incomingPackets: number;
  readonly outgoingPackets: number;
  readonly incomingBytes: number;
  readonly outgoingBytes: number;
}

export interface Connections {
  readonly active: number;
  readonly inactive: number;
  readonly persistent: number;
}

/** What the kernel measures of a service or server. Rates, and traffic of servers, are read on request only. */
export interface Measured {
  readonly traffic?: Traffic;
  /** For one second, as an average over some ten. */
  readonly rates?: Traffic;
}

/** A server as read: its row, and what the kernel counted where it counts (not in a table that we want). */
export interface TableServer extends ServerRow, Measured {
  readonly connections?: Connections;
}

export interface TableService extends ServiceRow, Measured {
  /** By `serverKey`. */
  readonly servers: ReadonlyMap<string, TableServer>;
}

/** An IPVS table, ours or the kernel's: services by `serviceKey`. */
export type Table = ReadonlyMap<string, TableService>;

/** One change of the kernel's table. A row in `from` is what an edit replaces. */
export type Op =
  | { readonly kind: 'add_service'; readonly service: ServiceRow }
  | { readonly kind: 'edit_service'; readonly service: ServiceRow; readonly from: ServiceRow }
  | { readonly kind: 'del_service'; readonly service: ServiceRow }
  | { readonly kind: 'add_server'; readonly service: ServiceRow; readonly server: ServerRow }
  | { readonly kind: 'edit_server'; readonly service: ServiceRow; readonly server: ServerRow; readonly from: ServerRow }
  | { readonly kind: 'del_server'; readonly service: ServiceRow; readonly server: ServerRow };

export type OpKind = Op['kind'];

export const opKinds = [
  'add_service',
  'edit_service',
  'del_service',
  'add_server',
  'edit_server',
  'del_server',
] as const satisfies readonly OpKind[];

/** What became of one op: `error` is the kernel's errno name, or absent when it was applied. */
export interface OpResult {
  readonly op: Op;
  readonly error?: string;
}

/** The text that names a service, as `ipvsadm -L -n` prints it: `TCP 192.0.2.1:80`, `FWM 8`, `FWM 8 IPv6`. */
export function serviceKey(identity: ServiceIdentity): string {
  if (identity.kind === 'fwmark') return `FWM ${identity.mark}${identity.family === 'ipv6' ? ' IPv6' : ''}`;
  return `${identity.protocol.toUpperCase()} ${formatEndpoint(identity)}`;
}

/** The text that names a server within its service, as `ipvsadm -L -n` prints it. */
export function serverKey(server: { readonly address: string; readonly port: number }): string {
  return formatEndpoint(server);
}

export function serviceFamily(identity: ServiceIdentity): Family {
  return identity.kind === 'fwmark' ? identity.family : familyOf(identity.address);
}

/** The row of a service that has more to it. */
export function serviceRow(service: ServiceRow): ServiceRow {
  const { identity, scheduler, schedulerFlags, isOnePacket, persistence } = service;
  return { identity, scheduler, schedulerFlags, isOnePacket, persistence };
}

/** The row of a server that has more to it, with the weight given. */
export function serverRow(server: ServerRow, weight: number): ServerRow {
  const { address, port, forwarding, upperThreshold, lowerThreshold, tunnel } = server;
  return { address, port, forwarding, weight, upperThreshold, lowerThreshold, tunnel };
}

export function sameService(a: ServiceRow, b: ServiceRow): boolean {
  return (
    a.scheduler === b.scheduler &&
    a.schedulerFlags.join() === b.schedulerFlags.join() &&
    a.isOnePacket === b.isOnePacket &&
    a.persistence?.timeoutSeconds === b.persistence?.timeoutSeconds &&
    a.persistence?.prefixLength === b.persistence?.prefixLength &&
    a.persistence?.netmask === b.persistence?.netmask &&
    a.persistence?.engine === b.persistence?.engine
  );
}

export function sameServer(a: ServerRow, b: ServerRow): boolean {
  return (
    a.weight === b.weight &&
    a.forwarding === b.forwarding &&
    a.upperThreshold === b.upperThreshold &&
    a.lowerThreshold === b.lowerThreshold &&
    tunnelWords(a) === tunnelWords(b)
  );
}

function tunnelWords({ tunnel }: ServerRow): string {
  if (tunnel === undefined) return 'ipip';
  return [tunnel.type, tunnel.checksum, tunnel.type === 'gue' ? tunnel.port : ''].join();
}
