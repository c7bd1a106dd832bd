import { aligned, torn } from './attribute.ts';

/** One netlink message (<linux/netlink.h>, struct nlmsghdr): length, type, flags, sequence, port, payload. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

/** NLM_F_* */
export const flag = {
  request: 0x1,
  ack: 0x4,
  dumpInterrupted: 0x10,
  dump: 0x300,
  exclusive: 0x200,
  create: 0x400,
} as const;
/** NLMSG_ERROR, which is an acknowledgement too, and NLMSG_DONE. */
export const messageType = { error: 2, done: 3 } as const;

const headerBytes = 16;

/** Message bytes, ready to be joined with others in one datagram. */
export function encodeMessage({ type, flags, sequence, payload }: Message): Buffer {
  const length = headerBytes + payload.length;
  const bytes = Buffer.allocUnsafe(aligned(length));
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt32LE(sequence, 8);
  bytes.writeUInt32LE(0, 12);
  bytes.set(payload, headerBytes);
  for (let at = length; at < bytes.length; at++) bytes[at] = 0;
  return bytes;
}

/** The messages of one datagram. Throws `NetlinkError` on lengths that do not fit. */
export function readMessages(datagram: Buffer): readonly Message[] {
  const messages: Message[] = [];
  for (let at = 0; at < datagram.length; ) {
    if (datagram.length - at < headerBytes) throw torn(`${datagram.length - at} bytes after the last message`);
    const length = datagram.readUInt32LE(at);
    if (length < headerBytes || at + length > datagram.length) throw torn(`a length of ${length} bytes`);
    messages.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      payload: datagram.subarray(at + headerBytes, at + length),
    });
    at += aligned(length);
  }
  return messages;
}

/** The errno in a message of type `error` or `done`; 0: success. Throws `NetlinkError` where it is cut off. */
export function errnoIn({ payload }: Message): number {
  if (payload.length < 4) throw torn(`${payload.length} bytes for an errno`);
  return Math.max(0, -payload.readInt32LE());
}
