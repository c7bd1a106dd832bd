import { familyOf, ipToBytes } from '../core/address.ts';
import type { SettingOp, SyncDaemon, Timeouts } from '../core/settings.ts';
import {
  type Op,
  type OpKind,
  type ServerRow,
  type ServiceIdentity,
  type ServiceRow,
  serviceFamily,
  type Tunnel,
} from '../core/table.ts';
import { attribute, be16, nested, text, u8, u16, u32 } from './attribute.ts';
import { maskBytes } from './netmask.ts';
import * as ipvs from './numbers.ts';

/** The flags that are ours to set. The rest, "hashed", stays as the kernel has it. */
const flagMask = Object.values(ipvs.schedulerFlags).reduce(
  (mask, bit) => mask | bit,
  ipvs.persistentFlag | ipvs.onePacketFlag,
);

/** Asks the controller (`controllerFamily`) for the number of a family; the answer is for `readFamilyId`. */
export function askForFamily(name: string): Buffer {
  return Buffer.concat([header(ipvs.controller.getFamily), text(ipvs.controller.name, name)]);
}

export function askForServices(): Buffer {
  return header(ipvs.command.getService);
}

export function askForServers(identity: ServiceIdentity): Buffer {
  return Buffer.concat([header(ipvs.command.getServer), nested(ipvs.top.service, identityAttributes(identity))]);
}

export function askForInfo(): Buffer {
  return header(ipvs.command.getInfo);
}

export function askForTimeouts(): Buffer {
  return header(ipvs.command.getTimeouts);
}

export function askForDaemons(): Buffer {
  return header(ipvs.command.getDaemons);
}

export function askToFlush(): Buffer {
  return header(ipvs.command.flush);
}

/** Sets the counters of a service to zero; of every service where none is named. */
export function askToZero(identity?: ServiceIdentity): Buffer {
  if (identity === undefined) return header(ipvs.command.zero);
  return Buffer.concat([header(ipvs.command.zero), nested(ipvs.top.service, identityAttributes(identity))]);
}

/** The generic netlink header and attributes of one change of the settings. */
export function encodeSettingOp(op: SettingOp): Buffer {
  switch (op.kind) {
    case 'set_timeouts':
      return Buffer.concat([header(ipvs.command.setTimeouts), ...timeoutAttributes(op.timeouts)]);
    case 'start_daemon':
      return Buffer.concat([header(ipvs.command.startDaemon), nested(ipvs.top.daemon, daemonAttributes(op.daemon))]);
    case 'stop_daemon': {
      const role = u32(ipvs.daemon.role, ipvs.roles[op.role]);
      return Buffer.concat([header(ipvs.command.stopDaemon), nested(ipvs.top.daemon, [role])]);
    }
  }
}

/** The generic netlink header and attributes of one change of the table. */
export function encodeOp(op: Op): Buffer {
  const isWhole = op.kind === 'add_service' || op.kind === 'edit_service';
  const parts = [header(ipvs.command[op.kind]), isWhole ? wholeService(op.service) : namedService(op.service)];
  if ('server' in op) parts.push(nested(ipvs.top.server, serverAttributes(op.kind, op.server)));
  return Buffer.concat(parts);
}

function wholeService(service: ServiceRow): Buffer {
  return nested(ipvs.top.service, [...identityAttributes(service.identity), ...rowAttributes(service)]);
}

/** Thousands of servers are of the same few services. */
const namedServices = new WeakMap<ServiceRow, Buffer>();

function namedService(service: ServiceRow): Buffer {
  const known = namedServices.get(service);
  if (known !== undefined) return known;
  const named = nested(ipvs.top.service, identityAttributes(service.identity));
  namedServices.set(service, named);
  return named;
}

function header(command: number): Buffer {
  return Buffer.from([command, ipvs.genericVersion, 0, 0]);
}

function identityAttributes(identity: ServiceIdentity): readonly Buffer[] {
  const family = u16(ipvs.service.family, ipvs.families[serviceFamily(identity)]);
  if (identity.kind === 'fwmark') return [family, u32(ipvs.service.mark, identity.mark)];
  return [
    family,
    u16(ipvs.service.protocol, ipvs.protocols[identity.protocol]),
    attribute(ipvs.service.address, paddedAddress(identity.address)),
    be16(ipvs.service.port, identity.port),
  ];
}

function rowAttributes(row: ServiceRow): readonly Buffer[] {
  const flags = Buffer.alloc(8);
  flags.writeUInt32LE(flagBits(row), 0);
  flags.writeUInt32LE(flagMask, 4);
  return [
    text(ipvs.service.scheduler, row.scheduler),
    attribute(ipvs.service.flags, flags),
    u32(ipvs.service.timeout, row.persistence?.timeoutSeconds ?? 0),
    attribute(ipvs.service.netmask, netmaskBytes(row)),
    ...(row.persistence?.engine === undefined ? [] : [text(ipvs.service.engine, row.persistence.engine)]),
  ];
}

function serverAttributes(kind: OpKind, row: ServerRow): readonly Buffer[] {
  const identity = [
    attribute(ipvs.server.address, paddedAddress(row.address)),
    be16(ipvs.server.port, row.port),
    u16(ipvs.server.family, ipvs.families[familyOf(row.address)]),
  ];
  if (kind === 'del_server') return identity;
  return [
    ...identity,
    u32(ipvs.server.forwarding, ipvs.forwardings[row.forwarding]),
    u32(ipvs.server.weight, row.weight),
    u32(ipvs.server.upperThreshold, row.upperThreshold),
    u32(ipvs.server.lowerThreshold, row.lowerThreshold),
    ...(row.tunnel === undefined ? [] : tunnelAttributes(row.tunnel)),
  ];
}

function tunnelAttributes(tunnel: Tunnel): readonly Buffer[] {
  return [
    u8(ipvs.server.tunnelType, ipvs.tunnels[tunnel.type]),
    be16(ipvs.server.tunnelPort, tunnel.type === 'gue' ? tunnel.port : 0),
    u16(ipvs.server.tunnelFlags, ipvs.tunnelChecksums[tunnel.checksum]),
  ];
}

function timeoutAttributes({ tcpSeconds, tcpFinSeconds, udpSeconds }: Timeouts): readonly Buffer[] {
  return [
    u32(ipvs.top.tcpTimeout, tcpSeconds),
    u32(ipvs.top.tcpFinTimeout, tcpFinSeconds),
    u32(ipvs.top.udpTimeout, udpSeconds),
  ];
}

function daemonAttributes(daemon: SyncDaemon): readonly Buffer[] {
  const isIpv6 = familyOf(daemon.group) === 'ipv6';
  return [
    u32(ipvs.daemon.role, ipvs.roles[daemon.role]),
    text(ipvs.daemon.interface, daemon.interface),
    u32(ipvs.daemon.syncId, daemon.syncId),
    u16(ipvs.daemon.maxLength, daemon.maxLength),
    attribute(isIpv6 ? ipvs.daemon.group6 : ipvs.daemon.group, ipToBytes(daemon.group)),
    // In the host's order, unlike every other port.
    u16(ipvs.daemon.port, daemon.port),
    u8(ipvs.daemon.ttl, daemon.ttl),
  ];
}

/** union nf_inet_addr: 16 bytes whatever the family. */
function paddedAddress(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(ipToBytes(address));
  return bytes;
}

function flagBits(row: ServiceRow): number {
  const persistent = row.persistence === undefined ? 0 : ipvs.persistentFlag;
  const onePacket = row.isOnePacket ? ipvs.onePacketFlag : 0;
  return row.schedulerFlags.reduce((bits, flag) => bits | ipvs.schedulerFlags[flag], persistent | onePacket);
}

/** IPv4: the mask in network order. IPv6: the length of the prefix in the host's order. */
function netmaskBytes({ identity, persistence }: ServiceRow): Uint8Array {
  if (serviceFamily(identity) === 'ipv4') return maskBytes(persistence ?? { prefixLength: 32 });
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(persistence?.prefixLength ?? 128);
  return bytes;
}
