import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { attribute, be16, nested, readAttributes, text, u16, u32 } from '../../src/kernel/attribute.ts';
import { readMessages } from '../../src/kernel/datagram.ts';
import { NetlinkError } from '../../src/kernel/errno.ts';
import { askToFlush, askToZero, encodeOp } from '../../src/kernel/message.ts';
import { readFamilyId, readInfo, readServer, readService } from '../../src/kernel/reply.ts';
import { addService, delServer, editServer, server, service } from '../contract/kernel.ts';

const header = Buffer.from([1, 1, 0, 0]);
const u64 = (type: number, value: bigint) => {
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64LE(value);
  return attribute(type, payload);
};
const counters64 = nested(12, [u64(1, 2n ** 33n), u64(2, 2n), u64(3, 3n), u64(4, 4n), u64(5, 5n)]);
const counters32 = nested(10, [u32(1, 11), u32(2, 12), u32(3, 13), u64(4, 14n), u64(5, 15n)]);
const flags = attribute(7, Buffer.from([0x1 | 0x2 | 0x4 | 0x8 | 0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]));
const serviceAttributes = [
  u16(1, 2),
  u16(2, 6),
  attribute(3, Buffer.from([192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
  be16(4, 80),
  text(6, 'wlc'),
  flags,
  u32(8, 600),
  attribute(9, Buffer.from([255, 255, 240, 0])),
];
const serviceReply = Buffer.concat([header, nested(1, [...serviceAttributes, counters32, counters64])]);
const serverAttributes = [
  attribute(1, Buffer.from('20010db8000000000000000000000007', 'hex')),
  be16(2, 80),
  u32(3, 3),
  u32(4, 9),
  u32(5, 20),
  u32(6, 10),
  u32(7, 1),
  u32(8, 2),
  u32(9, 3),
];
const serverReply = Buffer.concat([header, nested(2, [...serverAttributes, u16(11, 10)])]);

const row = { address: '2001:db8::7', port: 80, forwarding: 'dr', weight: 9, upperThreshold: 20, lowerThreshold: 10 };
const connections = { active: 1, inactive: 2, persistent: 3 };

test('a service is read with its 64-bit counters', () => {
  expect(readService(serviceReply)).toEqual({
    identity: { kind: 'address', protocol: 'tcp', address: '192.0.2.1', port: 80 },
    scheduler: 'wlc',
    schedulerFlags: ['flag-1', 'flag-3'],
    isOnePacket: true,
    persistence: { timeoutSeconds: 600, prefixLength: 20 },
    traffic: { connections: 2 ** 33, incomingPackets: 2, outgoingPackets: 3, incomingBytes: 4, outgoingBytes: 5 },
    servers: new Map(),
  });
});

test('a service of a kernel that counts in 32 bits is read too', () => {
  const reply = Buffer.concat([header, nested(1, [...serviceAttributes, counters32])]);
  const traffic = { connections: 11, incomingPackets: 12, outgoingPackets: 13, incomingBytes: 14, outgoingBytes: 15 };
  expect(readService(reply)?.traffic).toEqual(traffic);
});

const measured64 = nested(12, [
  ...[2n ** 33n, 2n, 3n, 4n, 5n].map((value, index) => u64(index + 1, value)),
  ...[6n, 7n, 8n, 9n, 2n ** 40n].map((value, index) => u64(index + 6, value)),
]);
const measured32 = nested(10, [
  u32(1, 2 ** 31),
  ...[2, 3].map((type) => u32(type, type)),
  ...[4n, 5n].map((value) => u64(Number(value), value)),
  ...[6, 7, 8, 9, 10].map((type) => u32(type, type)),
]);
const traffic = { connections: 2 ** 33, incomingPackets: 2, outgoingPackets: 3, incomingBytes: 4, outgoingBytes: 5 };
const rates = { connections: 6, incomingPackets: 7, outgoingPackets: 8, incomingBytes: 9, outgoingBytes: 2 ** 40 };

test('rates, and what was counted of servers, are read on request', () => {
  const service = Buffer.concat([header, nested(1, [...serviceAttributes, measured64])]);
  expect(readService(service)).not.toHaveProperty('rates');
  expect(readService(service, 'statistics')).toMatchObject({ traffic, rates });
  const server = Buffer.concat([header, nested(2, [...serverAttributes, measured32, measured64])]);
  expect(readServer(server, 'ipv6')).toEqual({ ...row, connections });
  expect(readServer(server, 'ipv6', 'statistics')).toEqual({ ...row, connections, traffic, rates });
});

test('a kernel that measures in 32 bits is read too', () => {
  const server = Buffer.concat([header, nested(2, [...serverAttributes, measured32])]);
  expect(readServer(server, 'ipv6', 'statistics')).toMatchObject({
    traffic: { ...traffic, connections: 2 ** 31 },
    rates: { ...rates, outgoingBytes: 10 },
  });
});

test('a mask with holes is read and written as it is', () => {
  const [family, protocol, address, port, scheduler, , timeout] = serviceAttributes;
  const mask = attribute(9, Buffer.from([255, 0, 255, 0]));
  const present = [family, protocol, address, port, scheduler, flags, timeout].flatMap((one) => one ?? []);
  const read = readService(Buffer.concat([header, nested(1, [...present, mask, counters64])]));
  expect(read?.persistence).toEqual({ timeoutSeconds: 600, prefixLength: 16, netmask: '255.0.255.0' });
  expect(encodeOp(addService(service({ persistence: read?.persistence }))).includes(mask)).toBe(true);
});

test('zeroing and clearing name a service or nothing', () => {
  expect(askToFlush()).toEqual(Buffer.from([17, 1, 0, 0]));
  expect(askToZero()).toEqual(Buffer.from([16, 1, 0, 0]));
  const identity = nested(1, [u16(1, 10), u32(5, 7)]);
  expect(askToZero({ kind: 'fwmark', mark: 7, family: 'ipv6' })).toEqual(
    Buffer.concat([Buffer.from([16, 1, 0, 0]), identity]),
  );
});

test('a service of a protocol that has no name is passed over', () => {
  const [family, , ...rest] = serviceAttributes;
  expect(
    readService(Buffer.concat([header, nested(1, [family ?? header, u16(2, 50), ...rest, counters64])])),
  ).toBeUndefined();
});

test('a server is read with its own family, whatever that of the service', () => {
  expect(readServer(serverReply, 'ipv4')).toEqual({ ...row, connections });
});

test('a server without a family has that of the service', () => {
  expect(readServer(Buffer.concat([header, nested(2, serverAttributes)]), 'ipv6')).toEqual({ ...row, connections });
});

test('forwarding to the local node reads as direct routing', () => {
  const reply = Buffer.concat([header, nested(2, [...serverAttributes, u32(3, 1)])]);
  expect(readServer(reply, 'ipv6').forwarding).toBe('dr');
});

test('attributes that nobody knows are ignored', () => {
  const reply = Buffer.concat([
    header,
    u32(99, 7),
    nested(2, [u32(77, 1), ...serverAttributes, attribute(78, Buffer.alloc(3))]),
  ]);
  expect(readServer(reply, 'ipv6')).toEqual({ ...row, connections });
});

test('the version and size of the table are read', () => {
  expect(readInfo(Buffer.concat([header, u32(1, 0x010201), u32(2, 4096)]))).toEqual({ version: '1.2.1', size: 4096 });
});

test('deleting a server names it and nothing else', () => {
  const identity = nested(1, [
    u16(1, 2),
    u16(2, 6),
    attribute(3, Buffer.from('c0000201000000000000000000000000', 'hex')),
    be16(4, 80),
  ]);
  const target = nested(2, [
    attribute(1, Buffer.from('0a000007000000000000000000000000', 'hex')),
    be16(2, 80),
    u16(11, 2),
  ]);
  expect(encodeOp(delServer(service(), server()))).toEqual(
    Buffer.concat([Buffer.from([7, 1, 0, 0]), identity, target]),
  );
});

test('a service leaves flags that are not ours as they are', () => {
  const flags = [1, 1 | 8 | 0x20].map((bits) => Buffer.from([bits, 0, 0, 0, 0x3d, 0, 0, 0]));
  const persistence = { timeoutSeconds: 1, prefixLength: 32 };
  const plain = encodeOp(addService(service({ persistence })));
  const flagged = encodeOp(addService(service({ persistence, schedulerFlags: ['flag-1', 'flag-3'] })));
  expect([plain, flagged].map((bytes, index) => bytes.includes(flags[index] ?? ''))).toEqual([true, true]);
});

const readers = [
  (bytes: Buffer) => readService(bytes),
  readFamilyId,
  readInfo,
  readMessages,
  readAttributes,
  (bytes: Buffer) => readService(bytes, 'statistics'),
  (bytes: Buffer) => readServer(bytes, 'ipv4'),
  (bytes: Buffer) => readServer(bytes, 'ipv4', 'statistics'),
];

/** What is thrown that is not a `NetlinkError`. */
function mishaps(bytes: Buffer): readonly unknown[] {
  return readers.flatMap((read) => {
    try {
      read(bytes);
      return [];
    } catch (error) {
      return error instanceof NetlinkError ? [] : [error];
    }
  });
}

test('a message that is cut off anywhere throws a NetlinkError', () => {
  for (let length = 0; length < serviceReply.length; length++) {
    expect(() => readService(serviceReply.subarray(0, length))).toThrow(NetlinkError);
  }
  for (let length = 0; length < serverReply.length; length++) {
    expect(() => readServer(serverReply.subarray(0, length), 'ipv6')).toThrow(NetlinkError);
  }
});

test('bytes of any kind throw nothing but a NetlinkError', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 256 }), (bytes) => mishaps(Buffer.from(bytes)).length === 0));
});

test('a message with any byte changed throws nothing but a NetlinkError', () => {
  const replies = fc.constantFrom(serviceReply, serverReply, encodeOp(editServer(service(), server(), server())));
  fc.assert(
    fc.property(replies, fc.nat(), fc.nat(255), (reply, at, byte) => {
      const bytes = Buffer.from(reply);
      bytes[at % bytes.length] = byte;
      return mishaps(bytes).length === 0;
    }),
    { numRuns: 2000 },
  );
});
