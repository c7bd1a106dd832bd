import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { share } from '../../src/core/share.ts';

test('what is equal is the same object, beside and below what is not', () => {
  const previous = {
    services: [
      { name: 'a', servers: [{ port: 1 }, { port: 2 }] },
      { name: 'b', servers: [] },
    ],
  };
  const next = structuredClone(previous);
  next.services[0]?.servers.splice(1, 1, { port: 3 });
  const shared = share(previous, next);
  expect(shared).toEqual(next);
  expect(shared).not.toBe(previous);
  expect(shared.services[0]?.servers[0]).toBe(previous.services[0]?.servers[0]);
  expect(shared.services[0]?.servers[1]).toEqual({ port: 3 });
  expect(shared.services[1]).toBe(previous.services[1]);
});

test.each([
  ['one more key', { a: 1 }, { a: 1, b: 2 }],
  ['one key less', { a: 1, b: 2 }, { a: 1 }],
  ['another key that is undefined', { a: undefined }, { b: undefined }],
  ['a list, not a mapping', { 0: 'a' }, ['a']],
  ['nothing, not a mapping', { a: {} }, { a: null }],
  ['the other order in a list', [{ a: 1 }, { a: 2 }], [{ a: 2 }, { a: 1 }]],
])('%s is not equal', (_, previous: unknown, next) => {
  expect(share(previous, next)).toStrictEqual(next);
  expect(share(previous, next)).not.toBe(previous);
});

test('of what is frozen nothing is copied but where something in it is replaced', () => {
  const previous = Object.freeze({ a: Object.freeze({ b: 1 }), c: Object.freeze([1]) });
  const next = Object.freeze({ a: Object.freeze({ b: 2 }), c: Object.freeze([1, 2]) });
  expect(share(previous, next)).toBe(next);
  const half = Object.freeze({ a: Object.freeze({ b: 1 }), c: Object.freeze([1, 2]) });
  const shared = share(previous, half);
  expect([shared.a === previous.a, shared.c === half.c, shared === half]).toEqual([true, true, false]);
});

test('a key may have the name of what every object has', () => {
  const [previous, next] = ['{"__proto__":1,"a":1}', '{"__proto__":1,"a":2}'].map((text) => JSON.parse(text));
  expect(JSON.stringify(share(previous, next))).toBe('{"__proto__":1,"a":2}');
});

test('the result is always the next value, and the previous one whenever they are equal', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (previous, next) => {
      expect(share(previous, next)).toEqual(next);
      const equal = share(previous, structuredClone(previous));
      if (typeof previous === 'object' && previous !== null) expect(equal).toBe(previous);
    }),
  );
});
