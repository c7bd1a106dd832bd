/** The two protocols: ICMP of RFC 792, ICMPv6 of RFC 4443. */
export type IcmpVersion = 'ipv4' | 'ipv6';

/** What came back for an echo request: the reply, or the word of a router that it did not get there. */
export interface EchoAnswer {
  readonly id: number;
  readonly sequence: number;
  /** What the request carried; an error may quote less than all of it. */
  readonly payload: Uint8Array;
  /** Undefined: the reply. Else what an error says, with the address that the request was sent to. */
  readonly error: { readonly words: string; readonly to: Uint8Array } | undefined;
}

const types = {
  ipv4: { request: 8, reply: 0, unreachable: 3, timeExceeded: 11 },
  ipv6: { request: 128, reply: 129, unreachable: 1, timeExceeded: 3 },
} as const;

/** The types that answer an echo request. */
export function answerTypes(version: IcmpVersion): readonly number[] {
  const { reply, unreachable, timeExceeded } = types[version];
  return [reply, unreachable, timeExceeded];
}

/** By type and code, in the words of `ping`. */
const errorWords: Readonly<Record<IcmpVersion, readonly string[]>> = {
  ipv4: [
    'Destination Net Unreachable',
    'Destination Host Unreachable',
    'Destination Protocol Unreachable',
    'Destination Port Unreachable',
  ],
  ipv6: [
    'Destination unreachable: No route',
    'Destination unreachable: Administratively prohibited',
    'Destination unreachable: Beyond scope of source address',
    'Destination unreachable: Address unreachable',
    'Destination unreachable: Port unreachable',
  ],
};

/** Of both protocols; the payload follows. */
export const headerBytes = 8;

/**
 * Writes an echo request over all of `message`, which has room for header and payload. Its checksum is right for IPv4;
 * for IPv6, and on datagram sockets, the kernel fills it in.
 */
export function writeRequest(
  message: Uint8Array,
  version: IcmpVersion,
  { id, sequence, payload }: Pick<EchoAnswer, 'id' | 'sequence' | 'payload'>,
): void {
  message[0] = types[version].request;
  message.fill(0, 1, 4);
  writeUint16(message, 4, id);
  writeUint16(message, 6, sequence);
  message.set(payload, headerBytes);
  writeUint16(message, 2, internetChecksum(message));
}

/** Reads a message that is known to be whole; undefined: it does not speak of an echo request. */
export function decodeAnswer(version: IcmpVersion, message: Uint8Array): EchoAnswer | undefined {
  if (message.length < headerBytes) return undefined;
  const { reply, unreachable, timeExceeded } = types[version];
  const [type, code = 0] = message;
  if (type === reply) return answerOf(message, undefined);
  if (type !== unreachable && type !== timeExceeded) return undefined;
  const words = type === unreachable ? unreachableWords(version, code) : 'Time to live exceeded';
  return decodeError(version, message.subarray(headerBytes), words);
}

/** An IPv4 packet of a raw socket: what the IP header is followed by, if its checksum is right. */
export function unwrapIpv4(packet: Uint8Array): Uint8Array | undefined {
  const message = packet.subarray(ipv4HeaderBytes(packet));
  return message.length >= headerBytes && internetChecksum(message) === 0 ? message : undefined;
}

/** RFC 1071: the complement of the sum of all 16-bit words; 0 over a message that has its own and is whole. */
export function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += readUint16(bytes, at);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

function decodeError(version: IcmpVersion, quoted: Uint8Array, words: string): EchoAnswer | undefined {
  const isIpv4 = version === 'ipv4';
  const to = isIpv4 ? quoted.subarray(16, 20) : quoted.subarray(24, 40);
  const request = quoted.subarray(isIpv4 ? ipv4HeaderBytes(quoted) : 40);
  if (request.length < headerBytes || request[0] !== types[version].request) return undefined;
  return answerOf(request, { words, to });
}

function answerOf(message: Uint8Array, error: EchoAnswer['error']): EchoAnswer {
  const [id, sequence] = [readUint16(message, 4), readUint16(message, 6)];
  return { id, sequence, payload: message.subarray(headerBytes), error };
}

function unreachableWords(version: IcmpVersion, code: number): string {
  return errorWords[version][code] ?? `Destination unreachable, code ${code}`;
}

function ipv4HeaderBytes(packet: Uint8Array): number {
  return ((packet[0] ?? 0) & 0x0f) * 4;
}

function readUint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function writeUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 0xff;
}
