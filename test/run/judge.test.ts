import { expect, test } from '@jest/globals';
import type { AgentEvent } from '../../src/core/event.ts';
import { createJudge } from '../../src/run/judge.ts';
import type { ServerEntry, ServiceEntry } from '../../src/run/roster.ts';
import { aConfig, aService } from '../support/build.ts';
import { createRoster } from '../support/roster.ts';

/** Each decision takes 4 ms or `decisionMs`, to tell a change 2; what is put off is in `later`, in order, with when it is due. */
function judging(decisionMs = 4) {
  const services = Array.from({ length: 10 }, (_, index) =>
    aService({
      name: `web-${index}`,
      identity: { kind: 'address', protocol: 'tcp', address: '192.0.2.1', port: index + 1 },
    }),
  );
  const entries = [...createRoster(aConfig(services)).values()];
  for (const { servers } of entries) for (const server of servers) server.health = 'up';
  const decided: string[] = [];
  const told: string[] = [];
  const later: { readonly dueMs: number; readonly run: () => void }[] = [];
  let nowMs = 0;
  const judge = createJudge({
    onRows: () => {
      told.push('rows');
      nowMs += decisionMs;
    },
    emit: (event: AgentEvent) => {
      if (event.type === 'server_changed') {
        told.push(`${event.service} ${event.from}`);
        nowMs += 2;
      }
      if (event.type !== 'service_changed') return;
      told.push(event.service);
      decided.push(event.service);
    },
    turns: { take: (run) => void later.push({ dueMs: nowMs, run }) },
    clock: {
      now: () => nowMs,
      at: (dueMs, run) => {
        const entry = { dueMs, run };
        later.push(entry);
        return () => void later.splice(later.indexOf(entry), later.includes(entry) ? 1 : 0);
      },
    },
  });
  const next = () => {
    const { dueMs, run } = later.shift() ?? { dueMs: 0, run: () => {} };
    nowMs = Math.max(nowMs, dueMs);
    run();
  };
  return { judge, entries, decided, told, later, next, now: () => nowMs };
}

function reconsiderAll({ judge, entries }: ReturnType<typeof judging>): readonly ServiceEntry[] {
  for (const entry of entries) judge.reconsider(entry);
  return entries;
}

test('decisions for many services are cut into slices, with four times as long between them for the probes', () => {
  const world = judging();
  reconsiderAll(world);
  world.next();
  expect([world.decided.length, world.now()]).toEqual([3, 12]);
  world.next();
  expect(world.now()).toBe(12 + 4 * 12);
  world.next();
  expect([world.decided.length, world.now()]).toEqual([6, 12 + 4 * 12 + 12]);
  for (let count = 0; count < 4; count++) world.next();
  expect(world.decided).toEqual(world.entries.map(({ config }) => config.name));
  expect(world.later).toEqual([]);
});

test('what is asked for at once is decided at once, and nothing is left for later', () => {
  const world = judging();
  reconsiderAll(world);
  world.next();
  world.judge.decide();
  expect(world.decided).toHaveLength(10);
  expect(world.later).toEqual([]);
});

test('what only has to be decided at once is told in turns, in the order in which it was decided', () => {
  const { judge, entries, told, later, next } = judging();
  const [first, second] = entries as [ServiceEntry, ServiceEntry];
  const [server] = first.servers as [ServerEntry];
  judge.reconsider(first, { server, from: 'down', to: 'up', observation: undefined });
  judge.reconsider(second);
  judge.decideAll();
  expect([told, judge.isTelling()]).toEqual([['rows', 'rows'], true]);
  for (let turn = later.length; turn > 0; turn--) next();
  expect(told.slice(2)).toEqual(['web-0 down', 'web-0', 'web-1']);
  expect([judge.isTelling(), later.length]).toEqual([false, 0]);
});

test('what only has to be decided at once is told without the rest that decisions have', () => {
  const { judge, entries, later, next, now } = judging(12);
  const [first, second] = entries as [ServiceEntry, ServiceEntry];
  const [server] = second.servers as [ServerEntry];
  judge.reconsider(first);
  next();
  judge.reconsider(second, { server, from: 'down', to: 'up', observation: undefined });
  judge.decideAll();
  expect(later.map(({ dueMs }) => dueMs)).toEqual([now()]);
});

test('what is decided at once leaves nothing behind that keeps later decisions waiting', () => {
  const { judge, entries, decided, later, next } = judging();
  const [first, second] = entries as [ServiceEntry, ServiceEntry];
  judge.reconsider(first);
  judge.decideAll();
  judge.reconsider(second);
  while (later.length > 0) next();
  expect(decided).toEqual(['web-0', 'web-1']);
});

test('what is told of a service that waits comes with its decision', () => {
  const { judge, entries, told, later, next } = judging();
  const [first] = entries as [ServiceEntry];
  judge.reconsider(first);
  judge.tell(first, { type: 'service_changed', service: 'besides', to: 'up', serversUp: 1, serversTotal: 1 });
  while (later.length > 0) next();
  expect(told).toEqual(['rows', 'besides', 'web-0']);
});

test('what is told besides comes behind what was decided before it', () => {
  const { judge, entries, told, later, next } = judging();
  const [first] = entries as [ServiceEntry];
  const [server] = first.servers as [ServerEntry];
  const besides = (service: string) =>
    judge.tell(first, { type: 'service_changed', service, to: 'up', serversUp: 1, serversTotal: 1 });
  besides('early');
  judge.reconsider(first, { server, from: 'down', to: 'up', observation: undefined });
  judge.decideAll();
  besides('late');
  while (later.length > 0) next();
  expect(told).toEqual(['early', 'rows', 'web-0 down', 'web-0', 'late']);
});

test('what one decision has to tell is cut into slices; the table has it before, and the next decision comes after it', () => {
  const { judge, entries, told, later, next, now } = judging();
  const [first, second] = entries as [ServiceEntry, ServiceEntry];
  const [server] = first.servers as [ServerEntry];
  for (const from of ['unknown', 'down', 'unknown', 'down', 'unknown'] as const) {
    judge.reconsider(first, { server, from, to: 'up', observation: undefined });
  }
  next();
  expect([told, now()]).toEqual([['rows', 'web-0 unknown', 'web-0 down', 'web-0 unknown'], 10]);
  expect([judge.isTelling(), later.length]).toEqual([true, 1]);
  judge.reconsider(second);
  next();
  expect([told.slice(4), now()]).toEqual([['web-0 down', 'web-0 unknown', 'web-0', 'rows', 'web-1'], 18]);
  expect([judge.isTelling(), later.length]).toEqual([false, 0]);
});

test('after a decision that takes long there is a rest, though what it has to tell comes in the next slice', () => {
  const { judge, entries, told, later, next, now } = judging(12);
  const [service] = entries as [ServiceEntry];
  const [server] = service.servers as [ServerEntry];
  const change = { server, from: 'down', to: 'up', observation: undefined } as const;
  judge.reconsider(service, change);
  next();
  expect([told, judge.isTelling()]).toEqual([['rows'], true]);
  judge.reconsider(service, change);
  next();
  expect([told, judge.isTelling()]).toEqual([['rows', 'web-0 down', 'web-0'], false]);
  expect(later.map(({ dueMs }) => dueMs)).toEqual([now() + 4 * 12]);
});

test('what is decided at once goes on with what is being told', () => {
  const { judge, entries, told, next } = judging();
  const [first, second] = entries as [ServiceEntry, ServiceEntry];
  const [server] = first.servers as [ServerEntry];
  const change = { server, from: 'down', to: 'up', observation: undefined } as const;
  for (let count = 0; count < 5; count++) judge.reconsider(first, change);
  next();
  judge.reconsider(second, change);
  judge.decide();
  expect(told.slice(4)).toEqual(['web-0 down', 'web-0 down', 'web-0', 'rows', 'web-1 down', 'web-1']);
  expect(judge.isTelling()).toBe(false);
  next();
  expect(told).toHaveLength(10);
});

test('a turn that was asked for is nobody’s once all was decided at once: the rest that follows is kept', () => {
  const world = judging();
  const { judge, entries, later, next, told, now } = world;
  reconsiderAll(world);
  expect(later).toHaveLength(1);
  judge.decide();
  const restedAtMs = now() + 4 * 4 * entries.length;
  told.length = 0;
  for (const { servers } of entries) for (const server of servers) server.health = 'down';
  reconsiderAll(world);
  next();
  expect(told).toEqual([]);
  while (told.length === 0 && later.length > 0) next();
  expect([told.at(0), now() >= restedAtMs]).toEqual(['rows', true]);
});
