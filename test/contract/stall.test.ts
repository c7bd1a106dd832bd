import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { probeOf } from '../../checks/index.ts';
import type { Probe } from '../../checks/probe.ts';
import { createAgent } from '../../src/agent.ts';
import type { Check } from '../../src/core/config.ts';
import type { AgentEvent } from '../../src/core/event.ts';
import { createMemoryKernel } from '../../src/kernel/memory.ts';
import { preferNode } from '../../src/net/engine.ts';
import { createSystemClock } from '../../src/run/clock.ts';
import { aCheck, aConfig, aRow, aServer, aService, aServiceRow, aTable } from '../support/build.ts';
import { createHeldConnections } from '../support/connections.ts';

const count = 500;
const stallMs = 3000;
const timeoutMs = 1500;

/** A server in a process of its own, which no stall of ours holds up. Its answers take longer than all runs take to start. */
const program = `
  const { createServer } = require('node:http');
  const server = createServer((_, response) => setTimeout(() => response.end('OK'), 500));
  server.listen({ port: 0, host: '0.0.0.0', backlog: ${2 * count} }, () => console.log(server.address().port));
  process.stdin.resume().on('end', () => process.exit());
`;

async function serve() {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [port] = await once(child.stdout, 'data');
  return { port: Number(port), close: () => void child.kill('SIGKILL') };
}

/** Every second check is HTTP, which waits for its answer; one failure would show. */
function checksOf(port: number): readonly Check[] {
  return Array.from({ length: count }, (_, index) => {
    const type = index % 2 === 0 ? 'http' : 'tcp';
    const target = { address: `127.1.${index >> 8}.${index & 0xff}`, port };
    const options = probeOf(type).options.parse({});
    return aCheck({ name: type, type, target, options, intervalMs: 60_000, timeoutMs, fall: 1, rise: 1 });
  });
}

test('a stall with hundreds of runs in flight, on either engine, fails none of them and takes no server down', async () => {
  const server = await serve();
  const checks = checksOf(server.port);
  const servers = checks.map((check) => aServer(check.target.address, { port: server.port, checks: [check] }));
  const rows = servers.map(({ address, port }) => aRow(address, { port }));
  const kernel = createMemoryKernel(aTable([aServiceRow(), ...rows]));
  const before = kernel.table;
  const clock = createSystemClock();
  const events: AgentEvent[] = [];
  let started = 0;
  let inFlight = 0;
  let inFlightAtStall = 0;

  /** The probe; the last run that starts is followed by the stall. */
  const stalling = (probe: Probe): Probe => ({
    ...probe,
    run: (...asked) => {
      preferNode(started % 4 < 2);
      started += 1;
      inFlight += 1;
      const run = probe.run(...asked).finally(() => {
        inFlight -= 1;
      });
      if (started === count) {
        inFlightAtStall = inFlight;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stallMs);
      }
      return run;
    },
  });
  const probes = new Map(['http', 'tcp'].map((type) => [type, stalling(probeOf(type))]));
  await probeOf('http').load?.();

  const agent = createAgent({
    version: '0.0.0',
    config: aConfig([aService({ servers })]),
    kernel,
    clock,
    connections: createHeldConnections(() => 'opened'),
    ownership: { services: none, daemons: none },
    runLimit: 2 * count,
    // All first runs fall due together.
    random: () => 0,
    isDryRun: false,
    probeOf: (type) => probes.get(type) ?? probeOf(type),
    emit: (event) => void events.push(event),
  });
  await agent.start();
  expect(await agent.settle()).toBe(true);
  await agent.stop('SIGTERM');
  clock.stop();
  preferNode(false);
  server.close();

  expect(inFlightAtStall).toBeGreaterThanOrEqual(count / 2);
  const results = events.flatMap((event) => (event.type === 'check_ran' ? [event.result] : []));
  expect(results).toHaveLength(count);
  const unpassed = results.filter((result) => result.kind === 'inconclusive' || !result.observation.pass);
  expect(unpassed).toEqual([]);
  expect(events.filter(({ type }) => /^(server|service|fail_open)_/.test(type))).toEqual([]);
  expect(kernel.table).toBe(before);
});

const none = { owned: () => new Set<string>(), replace: () => {} };
