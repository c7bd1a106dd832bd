import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHeap } from '../../src/run/heap.ts';

const numbers = fc.array(fc.integer());

test('items come out in order, however they went in', () => {
  fc.assert(
    fc.property(numbers, numbers, (reset, pushed) => {
      const heap = createHeap<number>((item) => item);
      heap.reset(reset);
      for (const item of pushed) heap.push(item);
      const out = Array.from({ length: reset.length + pushed.length }, () => heap.pop());
      expect(out).toEqual([...reset, ...pushed].sort((a, b) => a - b));
      expect(heap.peek()).toBeUndefined();
      expect(heap.pop()).toBeUndefined();
    }),
  );
});
