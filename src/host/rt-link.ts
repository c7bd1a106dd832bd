import { attribute, nested, readAttributes, readNested, readText, text, torn, u32 } from '../kernel/attribute.ts';
import type { Channel } from '../kernel/channel.ts';
import { flag } from '../kernel/datagram.ts';
import * as rt from './numbers.ts';
import { change, unless } from './rtnetlink.ts';
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

const ifinfomsgBytes = 16;

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
