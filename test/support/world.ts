import { defineProbe, Unlearned } from '../../checks/probe.ts';
import { type Agent, createAgent } from '../../src/agent.ts';
import { z } from '../../src/config/fields.ts';
import type { Check, Config } from '../../src/core/config.ts';
import type { AgentEvent } from '../../src/core/event.ts';
import { fail, pass } from '../../src/core/observation.ts';
import type { Table } from '../../src/core/table.ts';
import { createMemoryKernel, type MemoryKernel } from '../../src/kernel/memory.ts';
import { formatSettingOp } from '../../src/kernel/text/setting-rules.ts';
import type { Ownership } from '../../src/run/ownership.ts';
import { createSimulatedClock, type SimulatedClock } from './clock.ts';
import { createHeldConnections, type HeldConnections } from './connections.ts';

/** How a server behaves: `silent` never answers, `broken` is our own fault. */
export type Behaviour = 'ok' | 'refused' | 'silent' | 'broken';

/** The whole agent with a simulated clock, a table in memory and servers whose behaviour a test sets. */
export interface World {
  readonly agent: Agent;
  readonly clock: SimulatedClock;
  readonly kernel: MemoryKernel;
  readonly events: AgentEvent[];
  /** When, on the simulated clock, each check was run, by address. */
  readonly runs: Map<string, number[]>;
  /** The addresses whose checks were released, in order. */
  readonly released: readonly string[];
  readonly ownership: Ownership;
  /** `daemonKey` of the daemons that are ours. */
  readonly daemons: Ownership;
  /** The idle connections of watched checks. A server takes one while it is `ok`. */
  readonly connections: HeldConnections;
  set(address: string, behaviour: Behaviour): void;
  /** `10.0.0.1 w1` and so on, sorted; undefined: the service is not there. */
  rows(service?: string): readonly string[] | undefined;
  /** The events of some types since the last call, in short. */
  news(): readonly string[];
}

export interface WorldOptions {
  readonly config: Config;
  readonly table?: Table;
  readonly behaviours?: Readonly<Record<string, Behaviour>>;
  readonly isDryRun?: boolean;
  readonly owned?: readonly string[];
  readonly ownedDaemons?: readonly string[];
  readonly random?: () => number;
  /** Idle connections at most. */
  readonly connectionLimit?: number;
}

export function createWorld(options: WorldOptions): World {
  const { config, table, behaviours, isDryRun, owned, ownedDaemons, random, connectionLimit } = options;
  const clock = createSimulatedClock();
  const kernel = createMemoryKernel(table);
  const servers = new Map(Object.entries(behaviours ?? {}));
  const events: AgentEvent[] = [];
  const runs = new Map<string, number[]>();
  const released: string[] = [];
  const ownership = remember(new Set(owned));
  const daemons = remember(new Set(ownedDaemons));
  const connections = createHeldConnections(
    ({ address }) => ((servers.get(address) ?? 'ok') === 'ok' ? 'opened' : 'ECONNREFUSED'),
    connectionLimit,
  );
  let told = 0;

  const probe = defineProbe({
    type: 'tcp',
    summary: 'A probe that sees what the test says',
    needsPort: true,
    options: z.object({}),
    run: async ({ address }, _options, { signal }) => {
      runs.set(address, [...(runs.get(address) ?? []), clock.now()]);
      switch (servers.get(address) ?? 'ok') {
        case 'ok':
          return pass('L4OK', 'connected');
        case 'refused':
          return fail('L4CON', 'Connection refused');
        case 'broken':
          throw new Unlearned('EMFILE', 'No descriptors');
        case 'silent':
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
          return fail('L4TOUT', 'no answer');
      }
    },
    release: ({ address }) => void released.push(address),
  });

  const agent = createAgent({
    version: '0.0.0',
    config,
    kernel,
    clock,
    connections,
    ownership: { services: ownership, daemons },
    runLimit: 2000,
    random: random ?? (() => 0.5),
    isDryRun: isDryRun ?? false,
    probeOf: () => probe,
    emit: (event) => void events.push(event),
  });

  return {
    agent,
    clock,
    kernel,
    events,
    runs,
    released,
    ownership,
    daemons,
    connections,
    set: (address, behaviour) => void servers.set(address, behaviour),
    rows: (service = 'TCP 192.0.2.1:80') => {
      const found = kernel.table.get(service);
      return found && [...found.servers.values()].map(({ address, weight }) => `${address} w${weight}`).sort();
    },
    news: () => {
      const fresh = events.slice(told).flatMap(describe);
      told = events.length;
      return fresh;
    },
  };
}

/** A check by the probe of `createWorld`. */
export function checkOf(address: string, changes: Partial<Check> = {}): Check {
  return {
    name: 'tcp',
    type: 'tcp',
    target: { address, port: 80 },
    options: {},
    intervalMs: 1000,
    timeoutMs: 400,
    retryIntervalMs: 200,
    jitter: 0,
    isWatched: false,
    fall: 3,
    rise: 2,
    ...changes,
  };
}

function remember(first: ReadonlySet<string>): Ownership {
  let keys = first;
  return {
    owned: () => keys,
    replace: (next) => {
      keys = next;
    },
  };
}

function describe(event: AgentEvent): readonly string[] {
  switch (event.type) {
    case 'server_changed':
      return [`${event.service} ${event.address} ${event.from}>${event.to}`];
    case 'service_changed':
      return [`${event.service} ${event.to} ${event.serversUp}/${event.serversTotal}`];
    case 'fallback_changed':
    case 'fail_open_changed':
      return [`${event.service} ${event.type.replace('_changed', '')} ${event.isActive ? 'on' : 'off'}`];
    case 'override_changed':
      return [`${event.service} ${event.server} ${event.from ?? 'free'}>${event.to ?? 'free'}`];
    case 'server_drain_finished':
      return [`${event.service} ${event.server} drained`];
    case 'drift_found':
      return [`drift ${event.drifts.map(({ kind }) => kind).join(' ')}${event.isRepaired ? '' : ' reported'}`];
    case 'setting_planned':
      return [`planned ${formatSettingOp(event.op)}`];
    case 'settings_changed':
      return event.results.map(({ op, error = 'ok' }) => `${formatSettingOp(op)}: ${error}`);
    case 'check_ran':
    case 'reconciled':
      return [];
    default:
      return [event.type];
  }
}
