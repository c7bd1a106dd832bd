import { describe, expect, test } from '@jest/globals';
import { explain, judge } from '../../checks/lib/fault.ts';

function errorWith(fields: object): Error {
  return Object.assign(new Error('as it is told'), fields);
}

test.each([
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENODEV',
  'ENOMEM',
  'ENOSPC',
  'ENOSYS',
  'ENXIO',
  'EPROTONOSUPPORT',
  'ESOCKTNOSUPPORT',
  'EADDRNOTAVAIL',
  'EACCES',
  'EPERM',
  'EAFNOSUPPORT',
])('%s is a fault of ours at every layer', (code) => {
  for (const layer of ['L4', 'L6', 'L7'] as const) {
    expect(() => judge(layer, errorWith({ code }), 'ask', {})).toThrow(
      expect.objectContaining({ name: 'Unlearned', code, message: 'Cannot ask: as it is told' }),
    );
  }
});

describe.each([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOPROTOOPT',
  'EPIPE',
  'HPE_INVALID_CONSTANT',
])('%s', (code) => {
  test.each([
    ['L4', 'L4CON'],
    ['L6', 'L6RSP'],
    ['L7', 'L7RSP'],
  ] as const)('at %s is %s', (layer, reason) => {
    expect(judge(layer, errorWith({ code }), 'ask', { connect: 1 })).toEqual({
      pass: false,
      reason,
      detail: 'as it is told',
      phases: { connect: 1 },
    });
  });
});

test.each([
  ['L4', 'L4TOUT'],
  ['L6', 'L6TOUT'],
  ['L7', 'L7TOUT'],
] as const)('a connection at %s that the kernel gave up is %s', (layer, reason) => {
  expect(judge(layer, errorWith({ code: 'ETIMEDOUT' }), 'ask', {}).reason).toBe(reason);
});

test('an error is explained by its reason, then by its errno, then by its message', () => {
  expect(explain(errorWith({ errno: -111, reason: 'wrong version number' }))).toBe('wrong version number');
  expect(explain(errorWith({ errno: -111 }))).toBe('connection refused');
  expect(explain(errorWith({}))).toBe('as it is told');
  expect(explain('thrown')).toBe('thrown');
});
