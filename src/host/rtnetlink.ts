import { type Family, familyOf, ipFromBytes, ipToBytes } from '../core/address.ts';
import {
  type Attributes,
  attribute,
  nested,
  payloadOf,
  readAttributes,
  readNested,
  readText,
  readU32,
  text,
  torn,
  u32,
} from '../kernel/attribute.ts';
import type { Channel, Request } from '../kernel/channel.ts';
import { flag } from '../kernel/datagram.ts';
import { errnoName, NetlinkError } from '../kernel/errno.ts';
import * as rt from './numbers.ts';
import type { TunnelType } from './setting.ts';

/** A network interface. */
export interface Link {
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  /** Ethernet, or something else whose neighbours find each other by ARP or neighbour discovery. */
  readonly hasNeighbours: boolean;
  /** Its hardware address; empty where it has none. */
  readonly hardwareAddress: Uint8Array;
  /** IFLA_INFO_KIND: `veth`, `ipip`; undefined: no virtual device. */
  readonly type: string | undefined;
}

export interface LinkAddress {
  readonly linkIndex: number;
  readonly address: string;
  readonly prefixLength: number;
}

const ifinfomsgBytes = 16;
const ifaddrmsgBytes = 8;
const rtmsgBytes = 12;

/** The links of this network namespace. This and what follows rejects with `NetlinkError`. */
export async function listLinks(channel: Channel): Promise<readonly Link[]> {
  return (await channel.dump({ type: rt.message.getLink, payload: linkMessage({}, [brief]) })).map(readLink);
}

/** The link of a name; undefined: there is none. */
export async function findLink(channel: Channel, name: string): Promise<Link | undefined> {
  const payload = linkMessage({}, [text(rt.link.name, name), brief]);
  const answer = await unless(['ENODEV'], channel.ask({ type: rt.message.getLink, payload }));
  return answer && readLink(answer);
}

export function setLinkUp(channel: Channel, index: number, isUp: boolean): Promise<void> {
  const flags = isUp ? rt.linkFlag.up : 0;
  return change(channel, {
    type: rt.message.newLink,
    payload: linkMessage({ index, flags, change: rt.linkFlag.up }, []),
  });
}

/** Adds a tunnel from anywhere to anywhere. */
export function addTunnel(channel: Channel, name: string, type: TunnelType): Promise<void> {
  const anyProtocol = attribute(rt.tunnel.protocol, Uint8Array.of(0));
  const info = nested(rt.link.info, [text(rt.linkInfo.kind, type), nested(rt.linkInfo.data, [anyProtocol])]);
  return change(channel, {
    type: rt.message.newLink,
    flags: flag.create | flag.exclusive,
    payload: linkMessage({}, [text(rt.link.name, name), info]),
  });
}

export function deleteLink(channel: Channel, index: number): Promise<void> {
  return change(channel, { type: rt.message.deleteLink, payload: linkMessage({ index }, []) });
}

export async function listAddresses(channel: Channel): Promise<readonly LinkAddress[]> {
  // Family 0: every family.
  const rows = await channel.dump({ type: rt.message.getAddress, payload: Buffer.alloc(ifaddrmsgBytes) });
  return rows.map(readAddress);
}

/** Adds a host address. One of IPv6 comes without duplicate detection, and is never chosen for connections of ours. */
export function addAddress(channel: Channel, address: string, linkIndex: number): Promise<void> {
  const payload = addressMessage(address, linkIndex, familyOf(address) === 'ipv6' ? virtualIpv6 : []);
  return change(channel, { type: rt.message.newAddress, flags: flag.create | flag.exclusive, payload });
}

export function deleteAddress(channel: Channel, address: string, linkIndex: number): Promise<void> {
  return change(channel, { type: rt.message.deleteAddress, payload: addressMessage(address, linkIndex, []) });
}

/** How the kernel would route a packet that this host sends. */
export interface Decision {
  readonly isLocal: boolean;
  /** Of what was matched, where the kernel tells: 32 for a host. */
  readonly prefixLength: number;
  readonly outLink: number | undefined;
}

/** Undefined: there is no route. */
export async function lookUpRoute(channel: Channel, address: string): Promise<Decision | undefined> {
  const family = familyOf(address);
  const payload = Buffer.concat([
    routeHeader({ family, prefixLength: bitsOf(family), flags: rt.matchedRow }),
    attribute(rt.route.destination, ipToBytes(address)),
  ]);
  const answer = await unless(noRoute, channel.ask({ type: rt.message.getRoute, payload }));
  return answer && readDecision(answer);
}

/** Indexes of the links over which a router's advertisement has brought a default route for IPv6. */
export async function listAdvertisedDefaults(channel: Channel): Promise<readonly number[]> {
  const payload = routeHeader({ family: 'ipv6', prefixLength: 0, flags: 0 });
  const rows = await channel.dump({ type: rt.message.getRoute, payload });
  return rows.filter(isAdvertisedDefault).flatMap((row) => readDecision(row).outLink ?? []);
}

export function addLocalRoute(channel: Channel, prefix: string, linkIndex: number): Promise<void> {
  const flags = flag.create | flag.exclusive;
  return change(channel, { type: rt.message.newRoute, flags, payload: localRoute(prefix, linkIndex) });
}

export function deleteLocalRoute(channel: Channel, prefix: string, linkIndex: number): Promise<void> {
  return change(channel, { type: rt.message.deleteRoute, payload: localRoute(prefix, linkIndex) });
}

/** `192.0.2.0/24` in its parts. */
export function splitPrefix(prefix: string): { readonly address: string; readonly prefixLength: number } {
  const [address = '', length] = prefix.split('/');
  return { address, prefixLength: length === undefined ? bitsOf(familyOf(address)) : Number(length) };
}

async function change(channel: Channel, request: Request): Promise<void> {
  const [errno = 0] = await channel.send([request]);
  if (errno !== 0) throw new NetlinkError(errnoName(errno), `The kernel answered ${errnoName(errno)}`);
}

/** What unreachable, prohibit and blackhole routes answer, and no route at all. */
const noRoute = ['ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EINVAL'];

async function unless<T>(codes: readonly string[], work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof NetlinkError && codes.includes(error.code)) return undefined;
    throw error;
  }
}

function bitsOf(family: Family): number {
  return family === 'ipv6' ? 128 : 32;
}

const brief = u32(rt.link.extMask, rt.skipStatistics);

/** struct ifinfomsg: family u8, padding u8, type u16, index s32, flags u32, change u32 */
function linkMessage(
  { index = 0, flags = 0, change = 0 }: { index?: number; flags?: number; change?: number },
  attributes: readonly Buffer[],
): Buffer {
  const header = Buffer.alloc(ifinfomsgBytes);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(flags, 8);
  header.writeUInt32LE(change, 12);
  return Buffer.concat([header, ...attributes]);
}

/** IFLA_INFO_KIND is given by the name of its module, and IFLA_ADDRESS by the length of the device's own kind. */
function readLink(payload: Buffer): Link {
  if (payload.length < ifinfomsgBytes) throw torn(`${payload.length} bytes`);
  const attributes = readAttributes(payload.subarray(ifinfomsgBytes));
  const flags = payload.readUInt32LE(8);
  const info = attributes.has(rt.link.info) ? readNested(attributes, rt.link.info) : undefined;
  return {
    index: payload.readInt32LE(4),
    name: readText(attributes, rt.link.name),
    isUp: (flags & rt.linkFlag.up) !== 0,
    hasNeighbours: (flags & (rt.linkFlag.loopback | rt.linkFlag.noArp)) === 0,
    hardwareAddress: Uint8Array.from(attributes.get(rt.link.address) ?? []),
    type: info?.has(rt.linkInfo.kind) ? readText(info, rt.linkInfo.kind) : undefined,
  };
}

/** struct ifaddrmsg: family u8, prefixlen u8, flags u8, scope u8, index u32 */
function addressMessage(address: string, linkIndex: number, attributes: readonly Buffer[]): Buffer {
  const family = familyOf(address);
  const bytes = ipToBytes(address);
  const header = Buffer.from([rt.families[family], bitsOf(family), 0, 0, 0, 0, 0, 0]);
  header.writeUInt32LE(linkIndex, 4);
  return Buffer.concat([
    header,
    attribute(rt.address.local, bytes),
    attribute(rt.address.address, bytes),
    ...attributes,
  ]);
}

/** struct ifa_cacheinfo: preferred, valid, created, updated. Preferred for 0 s: deprecated from the start (RFC 6724, rule 3). */
const virtualIpv6 = [
  u32(rt.address.flags, rt.noDuplicateDetection),
  attribute(rt.address.cacheInfo, new Uint8Array(Uint32Array.of(0, rt.foreverSeconds, 0, 0).buffer)),
];

function readAddress(payload: Buffer): LinkAddress {
  if (payload.length < ifaddrmsgBytes) throw torn(`${payload.length} bytes`);
  const attributes = readAttributes(payload.subarray(ifaddrmsgBytes));
  // IFA_ADDRESS is the peer's on a link from point to point; IPv6 has IFA_LOCAL there alone.
  const type = attributes.has(rt.address.local) ? rt.address.local : rt.address.address;
  return {
    linkIndex: payload.readUInt32LE(4),
    address: ipFromBytes(payloadOf(attributes, type, payload[0] === rt.families.ipv6 ? 16 : 4)),
    prefixLength: payload.readUInt8(1),
  };
}

/** struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, each u8, flags u32 */
function routeHeader(route: { family: Family; prefixLength: number; flags: number }): Buffer {
  const header = Buffer.from([rt.families[route.family], route.prefixLength, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32LE(route.flags, 8);
  return header;
}

function localRoute(prefix: string, linkIndex: number): Buffer {
  const { address, prefixLength } = splitPrefix(prefix);
  const header = routeHeader({ family: familyOf(address), prefixLength, flags: 0 });
  header.set([rt.localTable, rt.routeOrigin.static, rt.hostScope, rt.localType], 4);
  return Buffer.concat([header, attribute(rt.route.destination, ipToBytes(address)), u32(rt.route.outLink, linkIndex)]);
}

function readDecision(payload: Buffer): Decision {
  const attributes = attributesOfRoute(payload);
  return {
    isLocal: payload[7] === rt.localType,
    prefixLength: payload.readUInt8(1),
    outLink: attributes.has(rt.route.outLink) ? readU32(attributes, rt.route.outLink) : undefined,
  };
}

function isAdvertisedDefault(payload: Buffer): boolean {
  return !attributesOfRoute(payload).has(rt.route.destination) && payload[5] === rt.routeOrigin.routerAdvertisement;
}

function attributesOfRoute(payload: Buffer): Attributes {
  if (payload.length < rtmsgBytes) throw torn(`${payload.length} bytes`);
  return readAttributes(payload.subarray(rtmsgBytes));
}
