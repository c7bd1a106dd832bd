import { Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { createLineWriter } from '../../src/observe/line-writer.ts';

/** A stream whose reader takes a chunk when it is told to. */
function heldStream() {
  const taken: string[] = [];
  let release = () => {};
  const stream = new Writable({
    highWaterMark: 1,
    write: (chunk, _encoding, done) => {
      taken.push(String(chunk));
      release = () => done();
    },
  });
  const takeAll = async () => {
    while (stream.writableLength > 0) {
      release();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { stream, taken, takeAll };
}

test('past the limit lines are dropped, and their number is told when the reader is back', async () => {
  const { stream, taken, takeAll } = heldStream();
  const told: number[] = [];
  const writer = createLineWriter(stream, (count) => told.push(count), 10);
  for (const line of ['1234', '5678', '9', 'x']) writer.write(line);
  expect(writer.dropped()).toBe(2);
  await takeAll();
  expect(taken).toEqual(['1234\n', '5678\n']);
  expect(told).toEqual([2]);
  writer.write('again');
  expect(taken[2]).toBe('again\n');
  await takeAll();
  expect(told).toEqual([2]);
});

test('a reader that goes away does not end the process, and later lines are dropped', async () => {
  const stream = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
  });
  const writer = createLineWriter(stream, () => {});
  const closed = new Promise((resolve) => stream.once('close', resolve));
  writer.write('first');
  await closed;
  writer.write('second');
  expect(writer.dropped()).toBe(1);
});
