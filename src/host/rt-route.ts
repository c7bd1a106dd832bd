import { type Family, familyOf, ipFromBytes, ipToBytes } from '../core/address.ts';
import { type Attributes, aligned, attribute, readAttributes, readU32, torn, u32 } from '../kernel/attribute.ts';
import type { Channel } from '../kernel/channel.ts';
import { flag } from '../kernel/datagram.ts';
import * as rt from './numbers.ts';
import { splitPrefix } from './prefix.ts';
import { bitsOf, change, unless } from './rtnetlink.ts';

const rtmsgBytes = 12;
const rtnexthopBytes = 8;

/** How the kernel would route a packet that this host sends. */
export interface Decision {
  readonly isLocal: boolean;
  /** Of what was matched, where the kernel tells: 32 for a host. */
  readonly prefixLength: number;
  readonly outLink: number | undefined;
}

/** Undefined: there is no route. This and what follows rejects with `NetlinkError`. */
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

/** Through what this host reaches others. */
export interface Surroundings {
  readonly gateways: readonly string[];
  /** Networks whose hosts are reached without a gateway: `192.0.2.0/24`. */
  readonly networks: readonly string[];
}

export async function listSurroundings(channel: Channel, family: Family): Promise<Surroundings> {
  const payload = routeHeader({ family, prefixLength: 0, flags: 0 });
  const rows = await channel.dump({ type: rt.message.getRoute, payload });
  const others = rows.filter((row) => row[4] !== rt.localTable && row[7] === rt.unicastType);
  const gateways = others.map((row) => gatewaysOf(attributesOfRoute(row)));
  const direct = others.filter((_row, index) => gateways[index]?.length === 0);
  return { gateways: [...new Set(gateways.flat())], networks: direct.flatMap((row) => networkOf(row, family)) };
}

export function addLocalRoute(channel: Channel, prefix: string, linkIndex: number): Promise<void> {
  const flags = flag.create | flag.exclusive;
  return change(channel, { type: rt.message.newRoute, flags, payload: localRoute(prefix, linkIndex) });
}

export function deleteLocalRoute(channel: Channel, prefix: string, linkIndex: number): Promise<void> {
  return change(channel, { type: rt.message.deleteRoute, payload: localRoute(prefix, linkIndex) });
}

/** What unreachable, prohibit and blackhole routes answer, and no route at all. */
const noRoute = ['ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EINVAL'];

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

/** None for a route without a destination, and for one to a single host, which is often this one. */
function networkOf(row: Buffer, family: Family): readonly string[] {
  const destination = attributesOfRoute(row).get(rt.route.destination);
  const prefixLength = row.readUInt8(1);
  if (destination === undefined || prefixLength === bitsOf(family)) return [];
  return [`${ipFromBytes(destination)}/${prefixLength}`];
}

function gatewaysOf(attributes: Attributes): readonly string[] {
  const gateway = attributes.get(rt.route.gateway);
  const via = attributes.get(rt.route.via);
  return [
    ...(gateway === undefined ? [] : [ipFromBytes(gateway)]),
    // struct rtvia: family u16, address. The gateway may be of the other family, which this prefix cannot contain.
    ...(via === undefined ? [] : [ipFromBytes(via.subarray(2))]),
    ...hopsOf(attributes.get(rt.route.multipath) ?? Buffer.alloc(0)).flatMap(gatewaysOf),
  ];
}

/** struct rtnexthop: length u16, flags u8, hops u8, interface s32, and then attributes. */
function hopsOf(bytes: Buffer): readonly Attributes[] {
  const hops: Attributes[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.length - at < rtnexthopBytes ? 0 : bytes.readUInt16LE(at);
    if (length < rtnexthopBytes) throw torn(`a next hop of ${length} bytes`);
    hops.push(readAttributes(bytes.subarray(at + rtnexthopBytes, at + length)));
    at += aligned(length);
  }
  return hops;
}

function isAdvertisedDefault(payload: Buffer): boolean {
  return !attributesOfRoute(payload).has(rt.route.destination) && payload[5] === rt.routeOrigin.routerAdvertisement;
}

function attributesOfRoute(payload: Buffer): Attributes {
  if (payload.length < rtmsgBytes) throw torn(`${payload.length} bytes`);
  return readAttributes(payload.subarray(rtmsgBytes));
}
