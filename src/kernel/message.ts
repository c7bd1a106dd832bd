import { familyOf, ipToBytes } from '../core/address.ts';
import {
  type Op,
  type OpKind,
  type ServerRow,
  type ServiceIdentity,
  type ServiceRow,
  serviceFamily,
} from '../core/table.ts';
import { attribute, be16, nested, text, u16, u32 } from './attribute.ts';
import * as ipvs from './numbers.ts';

/** The flags that are ours to set. The rest stay as the kernel has them: hashed, and somebody's one-packet scheduling. */
const flagMask = Object.values(ipvs.schedulerFlags).reduce((mask, bit) => mask | bit, ipvs.persistentFlag);

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

/** The generic netlink header and attributes of one change. */
export function encodeOp(op: Op): Buffer {
  const parts = [header(ipvs.command[op.kind]), nested(ipvs.top.service, serviceAttributes(op))];
  if ('server' in op) parts.push(nested(ipvs.top.server, serverAttributes(op.kind, op.server)));
  return Buffer.concat(parts);
}

function header(command: number): Buffer {
  return Buffer.from([command, ipvs.genericVersion, 0, 0]);
}

function serviceAttributes(op: Op): readonly Buffer[] {
  const identity = identityAttributes(op.service.identity);
  const isWhole = op.kind === 'add_service' || op.kind === 'edit_service';
  return isWhole ? [...identity, ...rowAttributes(op.service)] : identity;
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
  return row.schedulerFlags.reduce((bits, flag) => bits | ipvs.schedulerFlags[flag], persistent);
}

/** IPv4: the mask in network order. IPv6: the length of the prefix in the host's order. */
function netmaskBytes(row: ServiceRow): Buffer {
  const bytes = Buffer.alloc(4);
  if (serviceFamily(row.identity) === 'ipv6') bytes.writeUInt32LE(row.persistence?.prefixLength ?? 128);
  else bytes.writeUInt32BE(maskOf(row.persistence?.prefixLength ?? 32));
  return bytes;
}

function maskOf(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
}
