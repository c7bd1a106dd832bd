import { expect, test } from '@jest/globals';
import type { Config } from '../../src/core/config.ts';
import type { AgentEvent } from '../../src/core/event.ts';
import { fail, pass } from '../../src/core/observation.ts';
import { createMonitor } from '../../src/run/monitor.ts';
import type { Run } from '../../src/run/timed-run.ts';
import { createTurns } from '../../src/run/turns.ts';
import { aCheck, aConfig, aServer, aService } from '../support/build.ts';
import { createSimulatedClock } from '../support/clock.ts';

const check = aCheck({ fall: 1, rise: 1 });
const passed: Run = { durationMs: 1, result: { kind: 'observation', observation: pass('L4OK', 'connected') } };
const failed: Run = { durationMs: 1, result: { kind: 'observation', observation: fail('L4CON', 'refused') } };

function configOf(weight: number, changes = {}): Config {
  return aConfig([
    aService({ name: 'web', servers: [aServer('10.0.0.1', { weight, checks: [{ ...check, ...changes }] })] }),
  ]);
}

/** A monitor that has seen the server of a configuration pass. */
function monitoring(config: Config) {
  const clock = createSimulatedClock();
  const events: AgentEvent[] = [];
  const monitor = createMonitor({
    clock,
    turns: createTurns(clock),
    emit: (event) => void events.push(event),
    onRows: () => {},
  });
  const record = (run: Run) => {
    for (const key of monitor.checks().keys()) monitor.record(key, run, 0);
    monitor.decide();
  };
  const server = () => {
    const [service] = monitor.snapshot(new Map());
    const [server] = service?.servers ?? [];
    return server;
  };
  monitor.configure(config, new Map());
  monitor.decide();
  record(passed);
  return { monitor, record, server, events };
}

test.each([
  ['a check that stays', configOf(1).services[0]?.servers[0]?.checks[0] ?? check],
  ['a check that changed', aCheck({ fall: 1, rise: 1, intervalMs: 7000 })],
])('what is learned while a configuration is prepared counts in it, for %s', async (_, next) => {
  const before = configOf(1);
  const { monitor, record, server } = monitoring(before);
  const after = aConfig([aService({ name: 'web', servers: [aServer('10.0.0.1', { weight: 2, checks: [next] })] })]);
  await monitor.prepare(after);
  record(failed);
  monitor.configure(after, new Map());
  monitor.decide();
  expect(server()).toMatchObject({ health: 'down' });
  record(passed);
  expect(server()).toMatchObject({ health: 'up' });
  expect(monitor.decisions().get('web')?.rows.get('10.0.0.1:80')?.weight).toBe(2);
});

test('what was prepared for another configuration, or upon another, is not used', async () => {
  const { monitor, server, record } = monitoring(configOf(1));
  const [second, third] = [configOf(2), configOf(3)];
  await monitor.prepare(second);
  monitor.configure(third, new Map());
  monitor.decide();
  record(passed);
  expect(monitor.decisions().get('web')?.rows.get('10.0.0.1:80')?.weight).toBe(3);

  await monitor.prepare(second);
  monitor.configure(third, new Map());
  monitor.decide();
  record(failed);
  monitor.configure(second, new Map());
  monitor.decide();
  expect(server()).toMatchObject({ health: 'down' });
});
