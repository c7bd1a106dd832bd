import { expect, test } from '@jest/globals';
import { desired } from '../../src/core/desired.ts';
import type { Decision } from '../../src/core/fleet.ts';
import { aRow, aService, aServiceRow, aTable } from '../support/build.ts';

const decision: Decision = {
  rows: new Map(),
  isUp: true,
  isSettled: true,
  isFallbackActive: false,
  isFailOpenActive: false,
  serversUp: 1,
};

test('the table holds every service with the rows decided for it', () => {
  const mark = aService({ name: 'marked', identity: { kind: 'fwmark', mark: 8, family: 'ipv6' } });
  const decisions = new Map([
    ['web', { ...decision, rows: new Map([['10.0.0.1:80', aRow('10.0.0.1', { weight: 3 })]]) }],
  ]);
  expect(desired([aService(), mark], decisions)).toEqual(
    aTable([aServiceRow(), aRow('10.0.0.1', { weight: 3 })], [aServiceRow({ identity: mark.identity })]),
  );
});

test('what is wanted of a service is the same object until something is decided anew, or configured otherwise', () => {
  const [web, mail] = [aService(), aService({ scheduler: 'rr' })];
  const row = (service = web, decided = decision) =>
    desired([service], new Map([['web', decided]])).get('TCP 192.0.2.1:80');
  expect(row()).toBe(row());
  expect(row(mail)).toMatchObject({ scheduler: 'rr' });
  expect(row(web, { ...decision })).not.toBe(row());
});
