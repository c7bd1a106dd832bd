import { expect, test } from '@jest/globals';
import type { Server } from '../../src/core/config.ts';
import { draftRoster, finish, type Roster, takeOver } from '../../src/run/roster.ts';
import { aCheck, aConfig, aServer, aService } from '../support/build.ts';
import { createRoster } from '../support/roster.ts';

const configOf = (...servers: readonly Server[]) => aConfig([aService({ name: 'web', servers })]);

function theServer(roster: Roster) {
  const [server] = roster.get('web')?.servers ?? [];
  if (server === undefined) throw new Error('it has no server');
  return server;
}

test('what is learned of a server while its new entry is drafted goes on with it', () => {
  const check = aCheck();
  const before = createRoster(configOf(aServer('10.0.0.1', { weight: 1, checks: [check] })));
  const draft = finish(draftRoster(configOf(aServer('10.0.0.1', { weight: 2, checks: [{ ...check }] })), before));
  const learned = theServer(before);
  learned.health = 'down';
  learned.override = 'drain';
  learned.isDrained = true;
  learned.lastChangeAtMs = 7;
  for (const entry of learned.checks) {
    entry.isObserved = true;
    entry.state = { health: 'down', against: 0 };
  }

  const server = theServer(takeOver(draft, new Map()));

  expect(server).toMatchObject({ health: 'down', override: 'drain', isDrained: true, lastChangeAtMs: 7 });
  expect(server.config.weight).toBe(2);
  expect(server.checks).toMatchObject([{ isObserved: true, state: { health: 'down' } }]);
});

test('a draft leaves what is in force as it is', () => {
  const before = createRoster(configOf(aServer('10.0.0.1', { weight: 1 })));
  const server = theServer(before);
  const known = structuredClone(server);

  finish(draftRoster(configOf(aServer('10.0.0.1', { weight: 2 })), before));

  expect(theServer(before)).toBe(server);
  expect(server).toEqual(known);
});
