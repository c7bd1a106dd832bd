import { familyOf, ipFromBytes, ipToBytes } from '../core/address.ts';
import * as rt from '../host/numbers.ts';
import { splitPrefix } from '../host/prefix.ts';
import { findLink } from '../host/rt-link.ts';
import { lookUpRoute } from '../host/rt-route.ts';
import { bitsOf } from '../host/rtnetlink.ts';
import { attribute, readAttributes, readText, readU32, u32 } from '../kernel/attribute.ts';
import { Channel, Protocol } from '../kernel/channel.ts';
import { NetlinkError } from '../kernel/errno.ts';

interface Link {
  readonly device: string;
  /** Bytes. */
  readonly mtu: number;
}

/** The way that the kernel would send a packet. */
export interface Route extends Link {
  /** To this machine itself. */
  readonly isLocal: boolean;
  /** The router in between; undefined: the address is on the link. */
  readonly gateway: string | undefined;
}

/** An address, and an interface by which packets for it arrive. */
export interface Door {
  readonly address: string;
  readonly device: string;
}

/** A door that the kernel keeps shut for packets from afar, because answers leave by `returnDevice`. */
export interface RefusedArrival extends Door {
  readonly returnDevice: string;
}

/** Asks the kernel for routes, policy rules included. It answers anybody, and sends nothing. */
export interface RouteReader {
  /** Undefined where there is none. A network (`192.0.2.0/24`) goes the way of its first address, and is local as a whole. */
  to(address: string): Promise<Route | undefined>;
  refusedArrivals(doors: readonly Door[]): Promise<readonly RefusedArrival[]>;
  close(): Promise<void>;
}

/** IFLA_MTU of <linux/if_link.h>, RTN_UNICAST and RTA_* of <linux/rtnetlink.h>. */
const mtuOfLink = 4;
const unicastType = 1;
const attributes = { source: 2, inputDevice: 3, gateway: 5 } as const;
/** struct ifinfomsg: family, type, index at 4, flags, change. */
const linkHeaderBytes = 16;
/** struct rtmsg: family, lengths of destination and source, tos, table, protocol, scope, type at 7, flags. */
const routeHeaderBytes = 12;

/** A client somewhere (TEST-NET-2 of RFC 5737), for a route is only ever asked for an address. */
const anyClient = '198.51.100.1';

export function createRouteReader(): RouteReader {
  const channel = new Channel(Protocol.ROUTE);
  const links = new Map<number, Link>();
  const to = (address: string) => ask(channel, links, address);
  return {
    to,
    async refusedArrivals(doors) {
      const back = await to(anyClient);
      if (back === undefined || back.isLocal) return [];
      const refused: RefusedArrival[] = [];
      for (const { address, device } of doors) {
        if (await isRefused(channel, address, device)) refused.push({ address, device, returnDevice: back.device });
      }
      return refused;
    },
    close: () => channel.close(),
  };
}

async function ask(channel: Channel, links: Map<number, Link>, where: string): Promise<Route | undefined> {
  const { address, prefixLength } = splitPrefix(where);
  try {
    const payload = Buffer.concat([header(address, 0), destination(address)]);
    const route = await read(channel, links, await channel.ask({ type: rt.message.getRoute, payload }));
    if (route === undefined || !route.isLocal) return route;
    const row = await lookUpRoute(channel, address);
    return { ...route, isLocal: row !== undefined && row.prefixLength <= prefixLength };
  } catch (error) {
    if (error instanceof NetlinkError) return undefined;
    throw error;
  }
}

async function read(channel: Channel, links: Map<number, Link>, reply: Buffer): Promise<Route | undefined> {
  const type = reply.readUInt8(7);
  // IPv6 answers "unreachable" with a route of that type.
  if (type !== unicastType && type !== rt.localType) return undefined;
  const found = readAttributes(reply.subarray(routeHeaderBytes));
  const gateway = found.get(attributes.gateway);
  const index = readU32(found, rt.route.outLink);
  const known = links.get(index) ?? (await readLink(channel, index));
  links.set(index, known);
  return {
    ...known,
    isLocal: type === rt.localType,
    gateway: gateway && ipFromBytes(gateway),
  };
}

async function readLink(channel: Channel, index: number): Promise<Link> {
  const payload = Buffer.alloc(linkHeaderBytes);
  payload.writeInt32LE(index, 4);
  const reply = await channel.ask({ type: rt.message.getLink, payload });
  const found = readAttributes(reply.subarray(linkHeaderBytes));
  return { device: readText(found, rt.link.name), mtu: readU32(found, mtuOfLink) };
}

/**
 * Lets the kernel judge a packet as if it had arrived: EXDEV is what it says where `rp_filter` would drop it
 * (`fib_validate_source` of net/ipv4/fib_frontend.c). IPv6 has no such filter.
 */
async function isRefused(channel: Channel, address: string, device: string): Promise<boolean> {
  const link = await findLink(channel, device);
  if (link === undefined) return false;
  const payload = Buffer.concat([
    header(address, 32),
    destination(address),
    attribute(attributes.source, ipToBytes(anyClient)),
    u32(attributes.inputDevice, link.index),
  ]);
  const [errno] = await channel.send([{ type: rt.message.getRoute, payload }]);
  return errno === EXDEV;
}

const EXDEV = 18;

function header(address: string, sourceBits: number): Buffer {
  const family = familyOf(address);
  const bytes = Buffer.alloc(routeHeaderBytes);
  bytes.set([rt.families[family], bitsOf(family), sourceBits]);
  return bytes;
}

function destination(address: string): Buffer {
  return attribute(rt.route.destination, ipToBytes(address));
}
