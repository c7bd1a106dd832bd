import { NetlinkError } from './errno.ts';

/**
 * Netlink attributes (<linux/netlink.h>, struct nlattr): length u16, type u16, payload, padded to 4 bytes. Integers are
 * in the host's order, which is little-endian on every machine that the netlink package is built for.
 */
export type Attributes = ReadonlyMap<number, Buffer>;

const headerBytes = 4;
/** NLA_TYPE_MASK: the two highest bits say "nested" and "network order" and are no part of the type. */
const typeMask = 0x3fff;

export function attribute(type: number, payload: Uint8Array): Buffer {
  const bytes = begin(type, payload.length);
  bytes.set(payload, headerBytes);
  return bytes;
}

export function u8(type: number, value: number): Buffer {
  const bytes = begin(type, 1);
  bytes.writeUInt8(value, headerBytes);
  return bytes;
}

export function u16(type: number, value: number): Buffer {
  const bytes = begin(type, 2);
  bytes.writeUInt16LE(value, headerBytes);
  return bytes;
}

/** A u16 in network order, as ports are. */
export function be16(type: number, value: number): Buffer {
  const bytes = begin(type, 2);
  bytes.writeUInt16BE(value, headerBytes);
  return bytes;
}

export function u32(type: number, value: number): Buffer {
  const bytes = begin(type, 4);
  bytes.writeUInt32LE(value, headerBytes);
  return bytes;
}

/** Text with the NUL that the kernel expects at its end. */
export function text(type: number, value: string): Buffer {
  return attribute(type, Buffer.from(`${value}\0`));
}

export function nested(type: number, attributes: readonly Uint8Array[]): Buffer {
  const length = attributes.reduce((sum, part) => sum + part.length, 0);
  const bytes = begin(type, length);
  let at = headerBytes;
  for (const part of attributes) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Of Node's pool, which may have held other things: header and padding are written, the payload is yet to be. */
function begin(type: number, payloadBytes: number): Buffer {
  const length = headerBytes + payloadBytes;
  const bytes = Buffer.allocUnsafe(aligned(length));
  bytes.writeUInt16LE(length, 0);
  bytes.writeUInt16LE(type, 2);
  for (let at = length; at < bytes.length; at++) bytes[at] = 0;
  return bytes;
}

/** The attributes in the bytes, by type; the last of a type counts. Throws `NetlinkError` on lengths that do not fit. */
export function readAttributes(bytes: Buffer): Attributes {
  const attributes = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < headerBytes) throw torn(`${bytes.length - at} bytes after the last attribute`);
    const length = bytes.readUInt16LE(at);
    if (length < headerBytes || at + length > bytes.length) throw torn(`an attribute of ${length} bytes`);
    attributes.set(bytes.readUInt16LE(at + 2) & typeMask, bytes.subarray(at + headerBytes, at + length));
    at += aligned(length);
  }
  return attributes;
}

/** The payload of an attribute that must be there and hold at least so many bytes. Throws `NetlinkError`. */
export function payloadOf(attributes: Attributes, type: number, bytes: number): Buffer {
  const payload = attributes.get(type);
  if (payload === undefined) throw torn(`no attribute ${type}`);
  if (payload.length < bytes) throw torn(`${payload.length} bytes in attribute ${type}`);
  return payload;
}

export function readU8(attributes: Attributes, type: number): number {
  return payloadOf(attributes, type, 1).readUInt8();
}

export function readU16(attributes: Attributes, type: number): number {
  return payloadOf(attributes, type, 2).readUInt16LE();
}

export function readBe16(attributes: Attributes, type: number): number {
  return payloadOf(attributes, type, 2).readUInt16BE();
}

export function readU32(attributes: Attributes, type: number): number {
  return payloadOf(attributes, type, 4).readUInt32LE();
}

export function readText(attributes: Attributes, type: number): string {
  const payload = payloadOf(attributes, type, 1);
  const end = payload.indexOf(0);
  return payload.toString('latin1', 0, end < 0 ? payload.length : end);
}

export function readNested(attributes: Attributes, type: number): Attributes {
  return readAttributes(payloadOf(attributes, type, 0));
}

export function aligned(length: number): number {
  return (length + 3) & ~3;
}

/** What is thrown where a message of the kernel is not as it should be: `it has ...`. */
export function torn(what: string): NetlinkError {
  return new NetlinkError('EBADMSG', `Cannot read a message of the kernel: it has ${what}`);
}
