import { type Family, familyOf, ipToBytes } from '../core/address.ts';
import { type Attributes, attribute, readAttributes, readU32, torn, u32 } from '../kernel/attribute.ts';
import type { Channel } from '../kernel/channel.ts';
import { flag } from '../kernel/datagram.ts';
import * as rt from './numbers.ts';
import { bitsOf, change, unless } from './rtnetlink.ts';

const rtmsgBytes = 12;

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

function isAdvertisedDefault(payload: Buffer): boolean {
  return !attributesOfRoute(payload).has(rt.route.destination) && payload[5] === rt.routeOrigin.routerAdvertisement;
}

function attributesOfRoute(payload: Buffer): Attributes {
  if (payload.length < rtmsgBytes) throw torn(`${payload.length} bytes`);
  return readAttributes(payload.subarray(rtmsgBytes));
}
