/** The two protocols: ICMP of RFC 792, ICMPv6 of RFC 4443. */
export type IcmpVersion = 'ipv4' | 'ipv6';

/** What came back for an echo request: the reply, or the word of a router that it did not get there. Offsets are into the packet. */
export interface EchoAnswer {
  readonly id: number;
  readonly sequence: number;
  /** Where what the request carried begins, and ends; an error may quote less than all of it. */
  readonly payloadAt: number;
  readonly payloadEnd: number;
  /** Undefined: the reply. Else what an error says, and where the address is that the request was sent to. */
  readonly error: { readonly words: string; readonly toAt: number } | undefined;
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
    'Frag needed and DF set',
    'Source Route Failed',
    'Destination Net Unknown',
    'Destination Host Unknown',
    'Source Host Isolated',
    'Destination Net Prohibited',
    'Destination Host Prohibited',
    'Destination Net Unreachable for Type of Service',
    'Destination Host Unreachable for Type of Service',
    'Packet filtered',
    'Precedence Violation',
    'Precedence Cutoff',
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
 * Writes an echo request over all of `message`, behind whose header the payload is already. Its checksum is right for
 * IPv4; for IPv6, and on datagram sockets, the kernel fills it in.
 */
export function writeHeader(
  message: Uint8Array,
  version: IcmpVersion,
  { id, sequence }: Pick<EchoAnswer, 'id' | 'sequence'>,
): void {
  message[0] = types[version].request;
  message[1] = 0;
  writeUint16(message, 2, 0);
  writeUint16(message, 4, id);
  writeUint16(message, 6, sequence);
  writeUint16(message, 2, internetChecksum(message, 0, message.length));
}

/**
 * Reads the message from `begin` to `end`, which is known to be whole; undefined: it does not speak of an echo request.
 * Without views of the packet: to make them costs more than to read it.
 */
export function decodeAnswer(
  version: IcmpVersion,
  packet: Uint8Array,
  begin: number,
  end: number,
): EchoAnswer | undefined {
  if (end - begin < headerBytes) return undefined;
  const { reply, unreachable, timeExceeded } = types[version];
  const type = packet[begin];
  if (type === reply) return answerAt(packet, begin, end, undefined);
  if (type !== unreachable && type !== timeExceeded) return undefined;
  const words = type === unreachable ? unreachableWords(version, packet[begin + 1] ?? 0) : 'Time to live exceeded';
  return decodeError(version, packet, begin + headerBytes, end, words);
}

/** Where the message begins in an IPv4 packet of a raw socket, `end` bytes long; undefined where its checksum is wrong. */
export function messageAt(packet: Uint8Array, end: number): number | undefined {
  const begin = ipv4HeaderBytes(packet, 0);
  return end - begin >= headerBytes && internetChecksum(packet, begin, end) === 0 ? begin : undefined;
}

/** RFC 1071: the complement of the sum of all 16-bit words; 0 over a message that has its own and is whole. */
export function internetChecksum(bytes: Uint8Array, begin: number, end: number): number {
  let sum = 0;
  for (let at = begin; at < end - 1; at += 2) sum += readUint16(bytes, at);
  if ((end - begin) % 2 === 1) sum += (bytes[end - 1] ?? 0) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/** The packet that an error quotes begins at `begin`. */
function decodeError(version: IcmpVersion, packet: Uint8Array, begin: number, end: number, words: string) {
  const isIpv4 = version === 'ipv4';
  const requestAt = begin + (isIpv4 ? ipv4HeaderBytes(packet, begin) : ipv6HeaderBytes);
  if (end - requestAt < headerBytes || packet[requestAt] !== types[version].request) return undefined;
  return answerAt(packet, requestAt, end, { words, toAt: begin + (isIpv4 ? 16 : 24) });
}

function answerAt(packet: Uint8Array, begin: number, end: number, error: EchoAnswer['error']): EchoAnswer {
  return {
    id: readUint16(packet, begin + 4),
    sequence: readUint16(packet, begin + 6),
    payloadAt: begin + headerBytes,
    payloadEnd: end,
    error,
  };
}

function unreachableWords(version: IcmpVersion, code: number): string {
  return errorWords[version][code] ?? `Destination unreachable, code ${code}`;
}

const ipv6HeaderBytes = 40;

/** With its options; 20 at least. */
function ipv4HeaderBytes(packet: Uint8Array, begin: number): number {
  return Math.max(20, ((packet[begin] ?? 0) & 0x0f) * 4);
}

function readUint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function writeUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 0xff;
}
