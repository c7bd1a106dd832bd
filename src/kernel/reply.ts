import { type Family, ipFromBytes } from '../core/address.ts';
import type { SyncDaemon, Timeouts } from '../core/settings.ts';
import {
  type Forwarding,
  type Persistence,
  type SchedulerFlag,
  type ServiceIdentity,
  serviceFamily,
  type TableServer,
  type TableService,
  type Tunnel,
} from '../core/table.ts';
import {
  type Attributes,
  payloadOf,
  readAttributes,
  readBe16,
  readNested,
  readText,
  readU8,
  readU16,
  readU32,
  torn,
} from './attribute.ts';
import { readMask } from './netmask.ts';
import * as ipvs from './numbers.ts';
import { readRates, readTraffic } from './statistics.ts';

/** The number of a family, in the controller's answer. Throws `NetlinkError`. */
export function readFamilyId(payload: Buffer): number {
  return readU16(bodyOf(payload), ipvs.controller.id);
}

/** How much of a row is read: what reconciling needs, or all that the kernel measures too. */
export type Depth = 'rows' | 'statistics';

/**
 * A service as a dump lists it, without servers; undefined where it is of a protocol that no configuration can name,
 * and so none of ours. Throws `NetlinkError`.
 */
export function readService(payload: Buffer, depth: Depth = 'rows'): TableService | undefined {
  const attributes = readNested(bodyOf(payload), ipvs.top.service);
  const identity = readIdentity(attributes);
  if (identity === undefined) return undefined;
  const flags = readU32(attributes, ipvs.service.flags);
  return {
    identity,
    scheduler: readText(attributes, ipvs.service.scheduler),
    schedulerFlags: flagsIn(flags),
    isOnePacket: (flags & ipvs.onePacketFlag) !== 0,
    persistence: flags & ipvs.persistentFlag ? readPersistence(attributes, serviceFamily(identity)) : undefined,
    traffic: readTraffic(attributes),
    ...(depth === 'statistics' && { rates: readRates(attributes) }),
    servers: new Map(),
  };
}

/** A server as a dump lists it. Kernels before 3.18 do not tell its family: it is that of the service. Throws `NetlinkError`. */
export function readServer(payload: Buffer, serviceFamily: Family, depth: Depth = 'rows'): TableServer {
  const attributes = readNested(bodyOf(payload), ipvs.top.server);
  const family = attributes.has(ipvs.server.family) ? readFamily(attributes, ipvs.server.family) : serviceFamily;
  return {
    address: readAddress(attributes, ipvs.server.address, family),
    port: readBe16(attributes, ipvs.server.port),
    forwarding: forwardingOf(readU32(attributes, ipvs.server.forwarding) & ipvs.forwardingMask),
    weight: readU32(attributes, ipvs.server.weight),
    upperThreshold: readU32(attributes, ipvs.server.upperThreshold),
    lowerThreshold: readU32(attributes, ipvs.server.lowerThreshold),
    ...readTunnel(attributes),
    connections: {
      active: readU32(attributes, ipvs.server.active),
      inactive: readU32(attributes, ipvs.server.inactive),
      persistent: readU32(attributes, ipvs.server.persistent),
    },
    ...(depth === 'statistics' && { traffic: readTraffic(attributes), rates: readRates(attributes) }),
  };
}

/** Throws `NetlinkError`. */
export function readTimeouts(payload: Buffer): Timeouts {
  const attributes = bodyOf(payload);
  return {
    tcpSeconds: readU32(attributes, ipvs.top.tcpTimeout),
    tcpFinSeconds: readU32(attributes, ipvs.top.tcpFinTimeout),
    udpSeconds: readU32(attributes, ipvs.top.udpTimeout),
  };
}

/** Throws `NetlinkError`. */
export function readDaemon(payload: Buffer): SyncDaemon {
  const attributes = readNested(bodyOf(payload), ipvs.top.daemon);
  const isIpv6 = attributes.has(ipvs.daemon.group6);
  return {
    role: readU32(attributes, ipvs.daemon.role) === ipvs.roles.master ? 'master' : 'backup',
    interface: readText(attributes, ipvs.daemon.interface),
    syncId: readU32(attributes, ipvs.daemon.syncId),
    group: isIpv6
      ? readAddress(attributes, ipvs.daemon.group6, 'ipv6')
      : readAddress(attributes, ipvs.daemon.group, 'ipv4'),
    port: readU16(attributes, ipvs.daemon.port),
    ttl: readU8(attributes, ipvs.daemon.ttl),
    maxLength: readU16(attributes, ipvs.daemon.maxLength),
  };
}

/** What `ipvsadm -L` prints in its first line: `1.2.1` and the number of buckets for connections. Throws `NetlinkError`. */
export function readInfo(payload: Buffer): { readonly version: string; readonly size: number } {
  const attributes = bodyOf(payload);
  const version = readU32(attributes, ipvs.info.version);
  return {
    version: `${(version >> 16) & 0xff}.${(version >> 8) & 0xff}.${version & 0xff}`,
    size: readU32(attributes, ipvs.info.size),
  };
}

function bodyOf(payload: Buffer): Attributes {
  if (payload.length < ipvs.headerBytes) throw torn(`${payload.length} bytes`);
  return readAttributes(payload.subarray(ipvs.headerBytes));
}

function flagsIn(bits: number): readonly SchedulerFlag[] {
  return (Object.keys(ipvs.schedulerFlags) as SchedulerFlag[]).filter((flag) => bits & ipvs.schedulerFlags[flag]);
}

function readIdentity(attributes: Attributes): ServiceIdentity | undefined {
  const family = readFamily(attributes, ipvs.service.family);
  if (attributes.has(ipvs.service.mark))
    return { kind: 'fwmark', mark: readU32(attributes, ipvs.service.mark), family };
  const protocol = nameOf(ipvs.protocols, readU16(attributes, ipvs.service.protocol));
  if (protocol === undefined) return undefined;
  const address = readAddress(attributes, ipvs.service.address, family);
  return { kind: 'address', protocol, address, port: readBe16(attributes, ipvs.service.port) };
}

function readPersistence(attributes: Attributes, family: Family): Persistence {
  const bytes = payloadOf(attributes, ipvs.service.netmask, 4);
  return {
    timeoutSeconds: readU32(attributes, ipvs.service.timeout),
    ...(family === 'ipv6' ? { prefixLength: bytes.readUInt32LE() } : readMask(bytes)),
    ...(attributes.has(ipvs.service.engine) && { engine: readText(attributes, ipvs.service.engine) }),
  };
}

/** Kernels before 5.2 know of one kind only, and do not tell it. */
function readTunnel(attributes: Attributes): { readonly tunnel?: Tunnel } {
  if (!attributes.has(ipvs.server.tunnelType)) return {};
  const type = nameOf(ipvs.tunnels, readU8(attributes, ipvs.server.tunnelType));
  if (type === undefined || type === 'ipip') return {};
  const checksum = nameOf(ipvs.tunnelChecksums, readU16(attributes, ipvs.server.tunnelFlags)) ?? 'none';
  if (type === 'gre') return { tunnel: { type, checksum: checksum === 'remote' ? 'none' : checksum } };
  return { tunnel: { type, port: readBe16(attributes, ipvs.server.tunnelPort), checksum } };
}

function readAddress(attributes: Attributes, type: number, family: Family): string {
  const length = family === 'ipv6' ? 16 : 4;
  return ipFromBytes(payloadOf(attributes, type, length).subarray(0, length));
}

function readFamily(attributes: Attributes, type: number): Family {
  const number = readU16(attributes, type);
  const family = nameOf(ipvs.families, number);
  if (family === undefined) throw torn(`the unknown address family ${number}`);
  return family;
}

/** The two methods that no configuration names, local node and bypass, hand the packet on unchanged, as direct routing does. */
function forwardingOf(number: number): Forwarding {
  return nameOf(ipvs.forwardings, number) ?? 'dr';
}

function nameOf<Name extends string>(numbers: Record<Name, number>, number: number): Name | undefined {
  return (Object.keys(numbers) as Name[]).find((name) => numbers[name] === number);
}
