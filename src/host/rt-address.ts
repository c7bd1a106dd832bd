import { familyOf, ipFromBytes, ipToBytes } from '../core/address.ts';
import { attribute, payloadOf, readAttributes, torn, u32 } from '../kernel/attribute.ts';
import type { Channel } from '../kernel/channel.ts';
import { flag } from '../kernel/datagram.ts';
import * as rt from './numbers.ts';
import { bitsOf, change } from './rtnetlink.ts';

export interface LinkAddress {
  readonly linkIndex: number;
  readonly address: string;
  readonly prefixLength: number;
}

const ifaddrmsgBytes = 8;

/** Those of every link. This and what follows rejects with `NetlinkError`. */
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
