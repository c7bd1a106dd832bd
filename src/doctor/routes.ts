import { familyOf, ipFromBytes, ipToBytes } from '../core/address.ts';
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
  /** Undefined where there is none. */
  to(address: string): Promise<Route | undefined>;
  refusedArrivals(doors: readonly Door[]): Promise<readonly RefusedArrival[]>;
  close(): Promise<void>;
}

/** RTM_GETLINK and RTM_GETROUTE of <linux/rtnetlink.h>; IFLA_*, RTA_*, RTN_* likewise. */
const message = { getLink: 18, getRoute: 26 } as const;
const link = { name: 3, mtu: 4 } as const;
const attributes = { destination: 1, source: 2, inputDevice: 3, outputDevice: 4, gateway: 5 } as const;
const types = { unicast: 1, local: 2 } as const;
const families = { ipv4: 2, ipv6: 10 } as const;
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

async function ask(channel: Channel, links: Map<number, Link>, address: string): Promise<Route | undefined> {
  try {
    const payload = Buffer.concat([header(address, 0), destination(address)]);
    return await read(channel, links, await channel.ask({ type: message.getRoute, payload }));
  } catch (error) {
    if (error instanceof NetlinkError) return undefined;
    throw error;
  }
}

async function read(channel: Channel, links: Map<number, Link>, reply: Buffer): Promise<Route | undefined> {
  const type = reply.readUInt8(7);
  // IPv6 answers "unreachable" with a route of that type.
  if (type !== types.unicast && type !== types.local) return undefined;
  const found = readAttributes(reply.subarray(routeHeaderBytes));
  const gateway = found.get(attributes.gateway);
  const index = readU32(found, attributes.outputDevice);
  const known = links.get(index) ?? (await readLink(channel, index));
  links.set(index, known);
  return {
    ...known,
    isLocal: type === types.local,
    gateway: gateway && ipFromBytes(gateway),
  };
}

async function readLink(channel: Channel, index: number): Promise<Link> {
  const payload = Buffer.alloc(linkHeaderBytes);
  payload.writeInt32LE(index, 4);
  const reply = await channel.ask({ type: message.getLink, payload });
  const found = readAttributes(reply.subarray(linkHeaderBytes));
  return { device: readText(found, link.name), mtu: readU32(found, link.mtu) };
}

/**
 * Lets the kernel judge a packet as if it had arrived: EXDEV is what it says where `rp_filter` would drop it
 * (`fib_validate_source` of net/ipv4/fib_frontend.c). IPv6 has no such filter.
 */
async function isRefused(channel: Channel, address: string, device: string): Promise<boolean> {
  const index = await indexOf(channel, device);
  const payload = Buffer.concat([
    header(address, 32),
    destination(address),
    attribute(attributes.source, ipToBytes(anyClient)),
    u32(attributes.inputDevice, index),
  ]);
  const [errno] = await channel.send([{ type: message.getRoute, payload }]);
  return errno === EXDEV;
}

const EXDEV = 18;

async function indexOf(channel: Channel, device: string): Promise<number> {
  const payload = Buffer.concat([Buffer.alloc(linkHeaderBytes), attribute(link.name, Buffer.from(`${device}\0`))]);
  return (await channel.ask({ type: message.getLink, payload })).readInt32LE(4);
}

function header(address: string, sourceBits: number): Buffer {
  const family = familyOf(address);
  const bytes = Buffer.alloc(routeHeaderBytes);
  bytes.set([families[family], family === 'ipv4' ? 32 : 128, sourceBits]);
  return bytes;
}

function destination(address: string): Buffer {
  return attribute(attributes.destination, ipToBytes(address));
}
