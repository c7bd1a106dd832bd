import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { icmp } from '../../checks/icmp.ts';
import { probeOf, probes } from '../../checks/index.ts';
import type { Target } from '../../src/core/config.ts';
import type { Observation } from '../../src/core/observation.ts';
import type { EngineName } from '../../src/core/snapshot.ts';
import { isForbidden, openEchoSocket } from '../../src/net/echo-socket.ts';
import { engineName, preferNode } from '../../src/net/engine.ts';
import { loadLibc } from '../../src/net/libc.ts';
import { withoutDescriptors } from '../support/descriptors.ts';
import { standInForPing } from '../support/ping.ts';
import { atOnce, heldResources, leftSince, runOf } from '../support/probing.ts';
import { bestiary, silence } from '../support/servers/behaviours.ts';
import { listenFull } from '../support/servers/full.ts';
import { listen } from '../support/servers/listen.ts';

/** A target that never answers a run with these options; `reached` resolves once a probe waits for it. */
interface Silent {
  readonly target: Target;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly reached: Promise<unknown>;
  idle?(): Promise<void>;
  close(): void | Promise<void>;
}

/** How each type of probe meets silence. A new probe has a line here. */
const silenceFor: Readonly<Record<string, (host: string, engine: EngineName) => Promise<Silent>>> = {
  http: (host) => listen(silence, host),
  async icmp(host, engine) {
    if (engine === 'libc') return silentGroup(onLoopback);
    const ping = standInForPing('exec sleep 60');
    return { target: { address: host, port: 0 }, reached: turn(), close: ping.remove };
  },
  async tcp(host) {
    return { ...(await listenFull(host)), reached: turn() };
  },
};

const onLoopback = { interface: 'lo' };

/** All hosts of a link: where one answers at all, it answers from another address, which is no reply. */
async function silentGroup(options: Readonly<Record<string, unknown>>): Promise<Silent> {
  const target = { address: '224.0.0.1', port: 0 };
  const controller = new AbortController();
  // The engine keeps one socket for all runs with these options: it is there from here on.
  const first = runOf(icmp, target, options, controller.signal);
  controller.abort();
  await first;
  return { target, options, reached: turn(), close: () => {} };
}

/** Why there is no socket of our own for echo requests; undefined: there is. */
function whyNoEcho(): string | undefined {
  const libc = loadLibc();
  if (libc === undefined) return 'there is no libc';
  try {
    libc.close(openEchoSocket(libc, 'ipv4', onLoopback).fd);
    return undefined;
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return (error as Error).message;
  }
}

const noEcho = whyNoEcho();
if (noEcho !== undefined) console.warn(`What needs a socket for ICMP is skipped: ${noEcho}`);

const engines: readonly EngineName[] = ['libc', 'node'];
const hosts = ['127.0.0.1', '::1'];
const everyType = probes.flatMap(({ type }) => engines.map((engine) => ({ type, engine })));
const everyProbe = everyType
  .flatMap((subject) => hosts.map((host) => ({ ...subject, host })))
  // An IPv6 group has no route on loopback, and all else there answers.
  .filter(({ type, engine, host }) => type !== 'icmp' || engine === 'node' || host === '127.0.0.1');

afterEach(() => preferNode(false));

function use(engine: EngineName): void {
  preferNode(engine === 'node');
  expect(engineName()).toBe(engine);
}

interface Subject {
  readonly type: string;
  readonly engine: EngineName;
  readonly host: string;
}

async function silentTarget({ type, engine, host }: Subject): Promise<Silent> {
  const start = silenceFor[type];
  if (start === undefined) throw new Error(`the contract does not know how ${type} meets silence`);
  return start(host, engine);
}

describe.each(everyProbe)('$type to $host on $engine', (subject) => {
  const probe = probeOf(subject.type);
  const isPossible = noEcho === undefined || subject.type !== 'icmp' || subject.engine === 'node';
  const testHere = isPossible ? test : test.skip;

  beforeEach(() => use(subject.engine));

  testHere('sees silence as a timeout, at once when the signal aborts, and leaves nothing behind', async () => {
    const silent = await silentTarget(subject);
    const before = heldResources();
    const controller = new AbortController();
    const run = runOf(probe, silent.target, silent.options, controller.signal);
    await silent.reached;
    expect(await atOnce(run)).toBeUndefined();
    controller.abort();
    expect(await atOnce(run)).toMatchObject({ pass: false, reason: expect.stringMatching(/^L[47]TOUT$/) });
    await silent.idle?.();
    expect(await leftSince(before)).toEqual([]);
    await silent.close();
  });

  testHere('times out at once when the signal has aborted before', async () => {
    const silent = await silentTarget(subject);
    const before = heldResources();
    const run = runOf(probe, silent.target, silent.options, AbortSignal.abort());
    expect(await atOnce(run)).toMatchObject({ pass: false, reason: 'L4TOUT' });
    expect(await leftSince(before)).toEqual([]);
    await silent.close();
  });

  testHere('learns nothing when this process has no descriptor left', async () => {
    const silent = await silentTarget(subject);
    // Without options: no socket that is kept has this path.
    const run = withoutDescriptors(() => runOf(probe, silent.target));
    await expect(run).rejects.toMatchObject({ name: 'Unlearned', code: 'EMFILE' });
    await silent.close();
  });

  testHere('reads the options that it made as the same options', () => {
    const options = probe.options.parse({});
    expect(probe.options.parse(structuredClone(options))).toEqual(options);
  });
});

const testEcho = noEcho === undefined ? test : test.skip;

testEcho('icmp on libc holds one descriptor for all runs of a path, whatever they come to', async () => {
  const before = heldResources();
  const controller = new AbortController();
  const path = { ...onLoopback, source: '127.0.0.1' };
  const addresses = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? '127.0.0.1' : '224.0.0.1'));
  const runs = addresses.map((address) => runOf(icmp, { address, port: 0 }, path, controller.signal));
  for (const run of runs.filter((_, index) => index % 2 === 0)) expect(await run).toMatchObject({ reason: 'L4OK' });
  controller.abort();
  const silent = await Promise.all(runs.filter((_, index) => index % 2 === 1));
  expect(silent.map(({ reason }) => reason)).toEqual(Array(10).fill('L4TOUT'));
  expect([...heldResources()].filter((name) => !before.has(name))).toHaveLength(1);
});

/** What each server of the bestiary comes to, by the type of the probe. Which of two reasons a reset gets is a race. */
const verdicts: Readonly<Record<keyof typeof bestiary, Readonly<Record<string, readonly string[]>>>> = {
  silence: { http: ['L7TOUT'] },
  dripHeader: { http: ['L7TOUT'] },
  dripBody: { http: ['L7TOUT'] },
  endlessStatusLine: { http: ['L7RSP'] },
  endlessInformation: { http: ['L7RSP'] },
  endlessHeader: { http: ['L7RSP'] },
  endlessHeaders: { http: ['L7RSP'] },
  endlessBody: { http: ['L7OK'] },
  resetAtAccept: { http: ['L4CON', 'L7RSP'], tcp: ['L4OK', 'L4CON'] },
  closeAtAccept: { http: ['L7RSP'] },
  resetInHeader: { http: ['L7RSP'] },
  resetInBody: { http: ['L7RSP'] },
  truncatedBody: { http: ['L7RSP'] },
  truncatedChunks: { http: ['L7RSP'] },
  garbage: { http: ['L7RSP'] },
  banner: { http: ['L7RSP'] },
};

const names = Object.keys(bestiary) as (keyof typeof bestiary)[];
const connecting = everyProbe.filter(({ type }) => probeOf(type).needsPort);
/** Options besides the defaults with which each type sees the same. */
const variantsOf: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>> = {
  http: [{}, { connection: 'reuse' }],
};
/** The servers that keep a run going until its time is up; all others end it themselves, or are too much for it. */
const lasting: readonly string[] = ['silence', 'dripHeader', 'dripBody'];

/** What a run sees of a server, whose connections are gone then. */
async function meet({ type, engine, host, options, server }: Omit<Encounter, 'reasons'>): Promise<Observation> {
  use(engine);
  const listening = await listen(bestiary[server], host);
  const controller = new AbortController();
  const run = runOf(probeOf(type), listening.target, options, controller.signal);
  if (lasting.includes(server)) void listening.reached.then(() => setTimeout(() => controller.abort(), 20));
  const observation = await run;
  await listening.idle();
  await listening.close();
  return observation;
}

interface Encounter extends Subject {
  readonly options: Readonly<Record<string, unknown>>;
  readonly server: keyof typeof bestiary;
  readonly reasons: readonly string[];
}

const encounters: readonly Encounter[] = connecting.flatMap((subject) =>
  (variantsOf[subject.type] ?? [{}]).flatMap((options) =>
    names.map((server) => ({ ...subject, options, server, reasons: verdicts[server][subject.type] ?? ['L4OK'] })),
  ),
);

test.each(encounters)(
  '$type $options on $engine to a server of $server at $host gives $reasons',
  async ({ reasons, ...encounter }) => {
    const before = heldResources();
    const observation = await meet(encounter);
    expect(reasons).toContain(observation.reason);
    expect(observation.pass).toBe(observation.reason.endsWith('OK'));
    expect(await leftSince(before)).toEqual([]);
  },
);

/**
 * Whether a reset at once comes before the end of the connect is looked at, or behind it, is a matter of microseconds,
 * and the two engines look at different times: it may be refused, connected, or connected and no answer.
 */
const comparable = encounters.filter(({ engine, server }) => engine === 'libc' && server !== 'resetAtAccept');

test.each(comparable)('$type $options to a server of $server at $host sees the same on either engine', async (one) => {
  const seen = [];
  for (const engine of engines) {
    const { phases, ...observation } = await meet({ ...one, engine });
    // Of a connect alone the kernel knows the round trip, which Node does not ask it for.
    seen.push({ ...observation, phases: Object.keys(phases).filter((phase) => phase !== 'rtt') });
  }
  expect(seen[0]).toEqual(seen[1]);
});

test.each(connecting)('$type on $engine to a closed port at $host gives L4CON', async ({ type, engine, host }) => {
  use(engine);
  const listening = await listen(silence, host);
  await listening.close();
  const observation = await runOf(probeOf(type), listening.target);
  expect(observation).toEqual({ pass: false, reason: 'L4CON', detail: 'connection refused', phases: {} });
});
