import { expect, test } from '@jest/globals';
import type { AgentEvent } from '../../src/core/event.ts';
import { fail, pass } from '../../src/core/observation.ts';
import { createMonitor } from '../../src/run/monitor.ts';
import { aCheck, aConfig, aServer, aService } from '../support/build.ts';
import { createSimulatedClock } from '../support/clock.ts';

const check = aCheck({ fall: 1, rise: 1 });
const configWith = (weight: number) =>
  aConfig([aService({ servers: [aServer('10.0.0.1', { weight, checks: [check] })] })]);

test('a run that ends while a reload is half way is not lost, and what it changes is told once', async () => {
  const events: AgentEvent[] = [];
  const clock = createSimulatedClock();
  let go = () => {};
  const turns = { take: clock.afterPoll, next: () => new Promise<void>((resolve) => (go = resolve)) };
  const monitor = createMonitor({ emit: (event) => void events.push(event), onRows: () => {}, clock, turns });
  const record = (observation: ReturnType<typeof pass>) => {
    for (const key of monitor.checks().keys()) {
      monitor.record(key, { result: { kind: 'observation', observation }, durationMs: 1 }, 0);
    }
  };
  const configured = monitor.configure(configWith(1), new Map());
  go();
  await configured;
  record(pass('L4OK', ''));
  monitor.decide();

  const reconfigured = monitor.configure(configWith(2), new Map());
  record(fail('L4CON', 'Connection refused'));
  monitor.decide();
  const told = () => events.filter(({ type }) => type === 'server_changed').map((event) => 'to' in event && event.to);
  expect(told()).toEqual(['up']);
  go();
  await reconfigured;
  monitor.decide();
  expect(told()).toEqual(['up', 'down']);
  expect(monitor.snapshot(new Map())[0]?.servers[0]).toMatchObject({ health: 'down', weight: { configured: 2 } });
});
