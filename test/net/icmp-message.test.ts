import { describe, expect, test } from '@jest/globals';
import {
  decodeAnswer,
  headerBytes,
  type IcmpVersion,
  internetChecksum,
  messageAt,
  writeHeader,
} from '../../src/net/icmp-message.ts';

const payload = Uint8Array.of(1, 2, 3, 4, 5, 6, 7);
const request = { id: 0x1234, sequence: 0xfedc, payload };

/** Over what another request has left. */
function encodeRequest(version: IcmpVersion, echo: typeof request): Uint8Array {
  const message = new Uint8Array(headerBytes + echo.payload.length).fill(0xff);
  message.set(echo.payload, headerBytes);
  writeHeader(message, version, echo);
  return message;
}

/** What a message says that lies among other bytes, with what its offsets point to. */
function decode(version: IcmpVersion, message: Uint8Array) {
  const packet = Uint8Array.of(9, 9, 9, ...message, 9, 9);
  const answer = decodeAnswer(version, packet, 3, 3 + message.length);
  if (answer === undefined) return undefined;
  const { id, sequence, payloadAt, payloadEnd, error } = answer;
  const to = error && packet.slice(error.toAt, error.toAt + (version === 'ipv4' ? 4 : 16));
  return { id, sequence, payload: packet.slice(payloadAt, payloadEnd), error: error && { words: error.words, to } };
}

const checksumOf = (bytes: Uint8Array) => internetChecksum(bytes, 0, bytes.length);

/** The same message with another type, and a checksum that is right again. */
function asType(message: Uint8Array, type: number): Uint8Array {
  const changed = Uint8Array.from(message);
  changed.set([type, 0, 0, 0]);
  const sum = checksumOf(changed);
  changed.set([sum >> 8, sum & 0xff], 2);
  return changed;
}

/** An IPv4 header with one option, of 24 bytes. */
const ipv4Header = Uint8Array.of(0x46, 0, 0, 60, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 1, 1, 0);
const ipv6Header = new Uint8Array(40).fill(7, 24);

test('the checksum is that of RFC 1071', () => {
  // The example of its section 3: the sum is ddf2.
  expect(checksumOf(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7))).toBe(0xffff - 0xddf2);
  expect(checksumOf(new Uint8Array(65_536).fill(0xff))).toBe(0);
  expect(internetChecksum(Uint8Array.of(9, 9, 1, 2, 3, 9), 2, 5)).toBe(0xffff - 0x0402);
});

test.each([
  ['ipv4', 8, 0],
  ['ipv6', 128, 129],
] as const)('of %s a request is one, and its reply is read', (version, requestType, replyType) => {
  const message = encodeRequest(version, request);
  expect([...message.subarray(0, 2)]).toEqual([requestType, 0]);
  expect(checksumOf(message)).toBe(0);
  expect(decode(version, asType(message, replyType))).toEqual({ ...request, error: undefined });
  expect(decode(version, message)).toBeUndefined();
});

test('an IPv4 packet is unwrapped, and refused with a bit turned', () => {
  const reply = asType(encodeRequest('ipv4', request), 0);
  const packet = Uint8Array.of(...ipv4Header, ...reply);
  expect(messageAt(packet, packet.length)).toBe(ipv4Header.length);
  packet[packet.length - 1] = 9;
  expect(messageAt(packet, packet.length)).toBeUndefined();
});

describe('an error', () => {
  const quoted = (header: Uint8Array, version: 'ipv4' | 'ipv6', ...head: readonly number[]) =>
    Uint8Array.of(...head, 0, 0, 0, 0, 0, 0, ...header, ...encodeRequest(version, request));

  test.each([
    [3, 0, 'Destination Net Unreachable'],
    [3, 1, 'Destination Host Unreachable'],
    [3, 13, 'Packet filtered'],
    [3, 16, 'Destination unreachable, code 16'],
    [11, 0, 'Time to live exceeded'],
  ])('of ICMP, type %d code %d, says "%s" and which request it is about', (type, code, words) => {
    const answer = decode('ipv4', quoted(ipv4Header, 'ipv4', type, code));
    expect(answer).toEqual({ ...request, error: { words, to: Uint8Array.of(10, 0, 0, 2) } });
  });

  test.each([
    [1, 0, 'Destination unreachable: No route'],
    [1, 3, 'Destination unreachable: Address unreachable'],
    [3, 0, 'Time to live exceeded'],
  ])('of ICMPv6, type %d code %d, says "%s" and which request it is about', (type, code, words) => {
    const answer = decode('ipv6', quoted(ipv6Header, 'ipv6', type, code));
    expect(answer).toEqual({ ...request, error: { words, to: new Uint8Array(16).fill(7) } });
  });
});

test('every beginning of a message is read without complaint', () => {
  const whole = Uint8Array.of(3, 1, 0, 0, 0, 0, 0, 0, ...ipv4Header, ...encodeRequest('ipv4', request));
  const read = Array.from(whole, (_, length) => decode('ipv4', whole.subarray(0, length))?.id);
  expect(read.lastIndexOf(undefined)).toBe(8 + ipv4Header.length + 7);
  for (let length = 0; length < whole.length; length++) messageAt(whole, length);
});
