import { expect, test } from '@jest/globals';
import type { AgentEvent } from '../../src/core/event.ts';
import { createJudge } from '../../src/run/judge.ts';
import { createRoster, type ServiceEntry } from '../../src/run/roster.ts';
import { aConfig, aService } from '../support/build.ts';

/** Each decision takes 4 ms; what is put off is in `later`, in order, with when it is due. */
function judging() {
  const services = Array.from({ length: 10 }, (_, index) =>
    aService({
      name: `web-${index}`,
      identity: { kind: 'address', protocol: 'tcp', address: '192.0.2.1', port: index + 1 },
    }),
  );
  const entries = [...createRoster(aConfig(services), new Map(), new Map()).values()];
  for (const { servers } of entries) for (const server of servers) server.health = 'up';
  const decided: string[] = [];
  const later: { readonly dueMs: number; readonly run: () => void }[] = [];
  let nowMs = 0;
  const judge = createJudge({
    onRows: () => {},
    emit: (event: AgentEvent) => {
      if (event.type !== 'service_changed') return;
      decided.push(event.service);
      nowMs += 4;
    },
    clock: {
      now: () => nowMs,
      afterPoll: (run) => void later.push({ dueMs: nowMs, run }),
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
  return { judge, entries, decided, later, next, now: () => nowMs };
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
  expect([world.decided.length, world.now()]).toEqual([6, 12 + 4 * 12 + 12]);
  world.next();
  world.next();
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
