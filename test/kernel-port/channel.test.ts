import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Channel, Protocol } from '../../src/kernel/channel.ts';
import { NetlinkError } from '../../src/kernel/errno.ts';
import { askForFamily } from '../../src/kernel/message.ts';
import { controllerFamily } from '../../src/kernel/numbers.ts';
import { readFamilyId } from '../../src/kernel/reply.ts';

// Every kernel has the controller of generic netlink, and tells anybody of families.
const known = { type: controllerFamily, payload: askForFamily('nlctrl') };
const unknown = { type: controllerFamily, payload: askForFamily('nonesuch') };
const everyFamily = { type: controllerFamily, payload: Buffer.from([3, 1, 0, 0]) };
const unknownCommand = { type: controllerFamily, payload: Buffer.from([200, 1, 0, 0]) };

let channel: Channel;
beforeEach(() => {
  channel = new Channel(Protocol.GENERIC);
});
afterEach(() => channel.close());

test('a question is answered', async () => {
  expect(readFamilyId(await channel.ask(known))).toBe(controllerFamily);
});

test('a question that the kernel refuses rejects with the name of its errno', async () => {
  await expect(channel.ask(unknown)).rejects.toThrow(new NetlinkError('ENOENT', 'The kernel answered ENOENT'));
});

test('a channel works on after a refusal', async () => {
  await expect(channel.ask(unknown)).rejects.toThrow(NetlinkError);
  expect(readFamilyId(await channel.ask(known))).toBe(controllerFamily);
});

test('a dump gives every row', async () => {
  const rows = await channel.dump(everyFamily);
  expect(rows.map(readFamilyId)).toContain(controllerFamily);
});

test('a dump that the kernel refuses rejects with the name of its errno', async () => {
  await expect(channel.dump(unknownCommand)).rejects.toMatchObject({ code: 'EOPNOTSUPP' });
});

test('1,000 requests get 1,000 errnos, in their order', async () => {
  const requests = Array.from({ length: 1000 }, (_, n) => (n % 3 === 0 ? unknownCommand : known));
  // ENOTSUP and EOPNOTSUPP are one number on Linux: 95.
  expect(await channel.send(requests)).toEqual(requests.map((request) => (request === unknownCommand ? 95 : 0)));
});

test('requests that are all refused get their errnos, however much of them the kernel quotes', async () => {
  // Longer than any request of ours.
  const long = { ...unknownCommand, payload: Buffer.concat([unknownCommand.payload, Buffer.alloc(252)]) };
  expect(await channel.send(Array(1000).fill(long))).toEqual(Array(1000).fill(95));
});

test('no requests get no errnos', async () => {
  expect(await channel.send([])).toEqual([]);
});

test('a protocol that nobody in the kernel listens to rejects with the reason', async () => {
  const deaf = new Channel(Protocol.USERSOCK);
  await expect(deaf.ask(known)).rejects.toMatchObject({ name: 'NetlinkError', code: 'ECONNREFUSED' });
  await deaf.close();
});

test('a channel that was never used, or is closed twice, closes', async () => {
  await channel.close();
  await expect(channel.close()).resolves.toBeUndefined();
});
