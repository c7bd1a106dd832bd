import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { FailOpen, Service } from '../../src/core/config.ts';
import { decide, type ServerStatus, type ServiceStatus, serverState } from '../../src/core/fleet.ts';
import { aRow, aServer, aService } from '../support/build.ts';

const up: ServerStatus = { health: 'up', isObserved: true, foundWeight: undefined, override: undefined };
const down: ServerStatus = { ...up, health: 'down' };
const unknown: ServerStatus = { ...up, health: 'unknown', isObserved: false };
const adopted: ServerStatus = { ...up, isObserved: false, foundWeight: 1 };
const draining: ServerStatus = { ...up, override: 'drain' };
const maintained: ServerStatus = { ...up, override: 'maintenance' };

const fallback = aServer('127.0.0.1', { checks: [] });
const withFallback = aService({ fallbackServers: [fallback] });

/** What is decided for a service whose servers, then fallback servers, have these statuses. */
function decideWith(
  service: Service,
  servers: readonly ServerStatus[],
  fallbacks: readonly ServerStatus[] = [],
  isStandingIn = false,
) {
  const status: ServiceStatus = {
    servers,
    fallbackServers: fallbacks,
    before: { isFallbackActive: isStandingIn, isFailOpenActive: isStandingIn },
    leaving: [],
  };
  const decision = decide(service, status);
  const rows = [...decision.rows.values()];
  return { ...decision, rows, weights: Object.fromEntries(rows.map((row) => [row.address, row.weight])) };
}

function manyServers(count: number, failOpen: FailOpen): Service {
  return aService({ failOpen, servers: Array.from({ length: count }, (_, index) => aServer(`10.0.0.${index + 1}`)) });
}

describe('decide', () => {
  test('servers that are up are in the table with all that the configuration gives them', () => {
    const service = aService({
      servers: [aServer('10.0.0.1', { weight: 2, forwarding: 'dr', upperThreshold: 9, lowerThreshold: 5 })],
    });
    expect(decideWith(service, [up]).rows).toEqual([
      aRow('10.0.0.1', { weight: 2, forwarding: 'dr', upperThreshold: 9, lowerThreshold: 5 }),
    ]);
  });

  test('a server that is down leaves the table', () => {
    expect(decideWith(aService(), [up, down])).toMatchObject({ weights: { '10.0.0.1': 1 }, isUp: true, serversUp: 1 });
  });

  test('with on_failure quiesce it stays at weight 0', () => {
    const service = aService({ onFailure: 'quiesce' });
    expect(decideWith(service, [up, down]).weights).toEqual({ '10.0.0.1': 1, '10.0.0.2': 0 });
  });

  test('a server that nobody has seen yet is not in the table', () => {
    expect(decideWith(aService(), [up, unknown]).weights).toEqual({ '10.0.0.1': 1 });
  });

  test('a server of which nothing is known counts as not yet seen', () => {
    expect(decideWith(aService(), [])).toMatchObject({ weights: {}, isSettled: false, isUp: false });
  });

  test('a server found quiesced stays so until it has been seen', () => {
    const found = { ...unknown, foundWeight: 0 };
    expect(decideWith(aService(), [up, found]).weights).toEqual({ '10.0.0.1': 1, '10.0.0.2': 0 });
  });

  test('a draining server stays at weight 0, one in maintenance leaves', () => {
    expect(decideWith(aService(), [draining, up]).weights).toEqual({ '10.0.0.1': 0, '10.0.0.2': 1 });
    expect(decideWith(aService(), [maintained, up]).weights).toEqual({ '10.0.0.2': 1 });
  });

  test('rows that leave the configuration are kept as they are', () => {
    const leaving = [aRow('10.0.0.9', { weight: 0 })];
    const decision = decide(aService(), {
      servers: [],
      fallbackServers: [],
      before: { isFallbackActive: false, isFailOpenActive: false },
      leaving,
    });
    expect([...decision.rows.values()]).toEqual(leaving);
  });

  test('a service is up by its servers, and settled when each of them has a verdict', () => {
    expect(decideWith(aService(), [down, unknown])).toMatchObject({ isUp: false, isSettled: false });
    expect(decideWith(aService(), [down, down])).toMatchObject({ isUp: false, isSettled: true });
    expect(decideWith(aService(), [up, unknown])).toMatchObject({ isUp: true, isSettled: true });
  });

  test('a server with weight 0 serves nobody', () => {
    const service = aService({ servers: [aServer('10.0.0.1', { weight: 0 })], fallbackServers: [fallback] });
    expect(decideWith(service, [up], [up])).toMatchObject({
      weights: { '10.0.0.1': 0, '127.0.0.1': 1 },
      isUp: false,
      isFallbackActive: true,
    });
  });
});

describe('decide on fallback servers', () => {
  test('they stand in when no server is left', () => {
    expect(decideWith(withFallback, [down, down], [up])).toMatchObject({
      weights: { '127.0.0.1': 1 },
      isFallbackActive: true,
      isFailOpenActive: false,
      isUp: false,
    });
  });

  test('they leave when the first server is back', () => {
    expect(decideWith(withFallback, [up, down], [up])).toMatchObject({
      weights: { '10.0.0.1': 1 },
      isFallbackActive: false,
    });
  });

  test('they do not come before every server has a verdict', () => {
    expect(decideWith(withFallback, [down, unknown], [up])).toMatchObject({ weights: {}, isFallbackActive: false });
  });

  test('they stay as the kernel had them until every server has been observed', () => {
    const found = { ...up, foundWeight: 3 };
    expect(decideWith(withFallback, [adopted, up], [found]).weights).toMatchObject({ '127.0.0.1': 3 });
    expect(decideWith(withFallback, [up, up], [found]).weights).not.toHaveProperty('127.0.0.1');
  });

  test('they stand in while the operator has taken every server out', () => {
    expect(decideWith(withFallback, [maintained, draining], [up])).toMatchObject({
      weights: { '10.0.0.2': 0, '127.0.0.1': 1 },
      isFallbackActive: true,
    });
  });

  test.each([
    ['down by its own check', down],
    ['in maintenance', maintained],
    ['draining', draining],
  ])('one that is %s does not stand in', (_name, status) => {
    expect(decideWith(withFallback, [down, down], [status])).toMatchObject({
      weights: { '10.0.0.1': 1, '10.0.0.2': 1 },
      isFallbackActive: false,
      isFailOpenActive: true,
    });
  });
});

describe('decide on failing open', () => {
  test('every server stays when every server is down and there is no fallback', () => {
    expect(decideWith(aService(), [down, down])).toMatchObject({
      weights: { '10.0.0.1': 1, '10.0.0.2': 1 },
      isFailOpenActive: true,
      isUp: false,
    });
  });

  test('never empties the service instead', () => {
    const service = aService({ failOpen: { when: 'never' } });
    expect(decideWith(service, [down, down])).toMatchObject({ weights: {}, isFailOpenActive: false });
  });

  test('does not overrule a drain or maintenance', () => {
    const service = manyServers(3, { when: 'all_down' });
    expect(
      decideWith(service, [down, { ...down, override: 'drain' }, { ...down, override: 'maintenance' }]),
    ).toMatchObject({
      weights: { '10.0.0.1': 1, '10.0.0.2': 0 },
      isFailOpenActive: true,
    });
  });

  test('is not called for where the operator has taken every server out', () => {
    expect(decideWith(aService(), [maintained, maintained])).toMatchObject({ weights: {}, isFailOpenActive: false });
  });

  test('does not begin before every server has a verdict', () => {
    expect(decideWith(aService(), [down, unknown])).toMatchObject({ weights: {}, isFailOpenActive: false });
  });

  test.each([
    [1, false],
    [0, true],
  ])('below 25%% with %i of 4 up: %s', (count, expected) => {
    const service = manyServers(4, { when: 'below', share: 0.25 });
    const statuses = [0, 1, 2, 3].map((index) => (index < count ? up : down));
    expect(decideWith(service, statuses).isFailOpenActive).toBe(expected);
  });

  test('below a share it keeps all servers while a few are still up, which count as up', () => {
    const service = manyServers(5, { when: 'below', share: 0.25 });
    const decision = decideWith(service, [up, down, down, down, down]);
    expect(Object.values(decision.weights)).toEqual([1, 1, 1, 1, 1]);
    expect(decision).toMatchObject({ isFailOpenActive: true, isUp: true, serversUp: 1 });
  });
});

test('no service that may fail open is ever without a destination once its servers were seen', () => {
  const status = fc.record({
    health: fc.constantFrom('up' as const, 'down' as const, 'unknown' as const),
    isObserved: fc.constant(true),
    foundWeight: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
    override: fc.constant(undefined),
  });
  const when = fc.constantFrom<FailOpen>({ when: 'all_down' }, { when: 'below', share: 0.5 });
  fc.assert(
    fc.property(
      fc.array(status, { minLength: 1, maxLength: 5 }),
      when,
      fc.boolean(),
      fc.boolean(),
      (statuses, failOpen, hasFallback, isStandingIn) => {
        const base = manyServers(statuses.length, failOpen);
        const service = hasFallback ? { ...base, fallbackServers: [fallback] } : base;
        const { rows } = decideWith(service, statuses, [up], isStandingIn);
        expect(rows.some(({ weight }) => weight > 0)).toBe(true);
      },
    ),
  );
});

test('what stands in goes on to do so while a new server has not been seen', () => {
  expect(decideWith(withFallback, [down, unknown], [up], true)).toMatchObject({ isFallbackActive: true });
  expect(decideWith(aService(), [down, unknown], [], true)).toMatchObject({
    weights: { '10.0.0.1': 1 },
    isFailOpenActive: true,
  });
});

test('below a share, servers that nobody has seen yet do not come in with the first that is up', () => {
  const service = manyServers(5, { when: 'below', share: 0.25 });
  const decision = decideWith(service, [up, unknown, unknown, unknown, unknown]);
  expect(decision).toMatchObject({ weights: { '10.0.0.1': 1 }, isFailOpenActive: false });
});

test('a fallback server with weight 0 does not stand in', () => {
  const service = aService({ fallbackServers: [{ ...fallback, weight: 0 }] });
  expect(decideWith(service, [down, down], [up])).toMatchObject({ isFallbackActive: false, isFailOpenActive: true });
});

test.each([
  [up, 'up'],
  [down, 'down'],
  [unknown, 'unknown'],
  [draining, 'draining'],
  [maintained, 'maintenance'],
])('the state of %j is %s', (status, expected) => {
  expect(serverState(status)).toBe(expected);
});
