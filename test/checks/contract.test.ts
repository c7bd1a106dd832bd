import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { probeOf, probes } from '../../checks/index.ts';
import type { Target } from '../../src/core/config.ts';
import type { EngineName } from '../../src/core/snapshot.ts';
import { engineName, preferNode } from '../../src/net/engine.ts';
import { withoutDescriptors } from '../support/descriptors.ts';
import { standInForPing } from '../support/ping.ts';
import { atOnce, heldResources, leftSince, runOf } from '../support/probing.ts';
import { bestiary, silence } from '../support/servers/behaviours.ts';
import { listenFull } from '../support/servers/full.ts';
import { listen } from '../support/servers/listen.ts';

/** A target that never answers; `reached` resolves once a probe waits for it. */
interface Silent {
  readonly target: Target;
  readonly reached: Promise<unknown>;
  idle?(): Promise<void>;
  close(): void | Promise<void>;
}

/** How each type of probe meets silence. A new probe has a line here. */
const silenceFor: Readonly<Record<string, (host: string) => Promise<Silent>>> = {
  http: (host) => listen(silence, host),
  async icmp(host) {
    const ping = standInForPing('exec sleep 60');
    return { target: { address: host, port: 0 }, reached: turn(), close: ping.remove };
  },
  async tcp(host) {
    return { ...(await listenFull(host)), reached: turn() };
  },
};

const hosts = ['127.0.0.1', '::1'];
/** The engines that each type of probe runs on; nothing on loopback is silent to an echo request of our own socket. */
const enginesOf: Readonly<Record<string, readonly EngineName[]>> = {
  http: ['libc', 'node'],
  tcp: ['libc', 'node'],
};
const everyType = probes.flatMap(({ type }) => (enginesOf[type] ?? ['node']).map((engine) => ({ type, engine })));
const everyProbe = everyType.flatMap((subject) => hosts.map((host) => ({ ...subject, host })));

afterEach(() => preferNode(false));

function use(engine: EngineName): void {
  preferNode(engine === 'node');
  expect(engineName()).toBe(engine);
}

async function silentTarget({ type, host }: { type: string; host: string }): Promise<Silent> {
  const start = silenceFor[type];
  if (start === undefined) throw new Error(`the contract does not know how ${type} meets silence`);
  return start(host);
}

describe.each(everyProbe)('$type to $host on $engine', (subject) => {
  const probe = probeOf(subject.type);

  beforeEach(() => use(subject.engine));

  test('sees silence as a timeout, at once when the signal aborts, and leaves nothing behind', async () => {
    const silent = await silentTarget(subject);
    const before = heldResources();
    const controller = new AbortController();
    const run = runOf(probe, silent.target, {}, controller.signal);
    await silent.reached;
    expect(await atOnce(run)).toBeUndefined();
    controller.abort();
    expect(await atOnce(run)).toMatchObject({ pass: false, reason: expect.stringMatching(/^L[47]TOUT$/) });
    await silent.idle?.();
    expect(await leftSince(before)).toEqual([]);
    await silent.close();
  });

  test('times out at once when the signal has aborted before', async () => {
    const silent = await silentTarget(subject);
    const before = heldResources();
    const run = runOf(probe, silent.target, {}, AbortSignal.abort());
    expect(await atOnce(run)).toMatchObject({ pass: false, reason: 'L4TOUT' });
    expect(await leftSince(before)).toEqual([]);
    await silent.close();
  });

  test('learns nothing when this process has no descriptor left', async () => {
    const silent = await silentTarget(subject);
    const run = withoutDescriptors(() => runOf(probe, silent.target));
    await expect(run).rejects.toMatchObject({ name: 'Unlearned', code: 'EMFILE' });
    await silent.close();
  });

  test('reads the options that it made as the same options', () => {
    const options = probe.options.parse({});
    expect(probe.options.parse(structuredClone(options))).toEqual(options);
  });
});

/** What each server of the bestiary comes to, by the type of the probe. Which of two reasons a reset gets is a race. */
const verdicts: Readonly<Record<keyof typeof bestiary, Readonly<Record<string, readonly string[]>>>> = {
  silence: { http: ['L7TOUT'] },
  dripHeader: { http: ['L7TOUT'] },
  dripBody: { http: ['L7TOUT'] },
  endlessStatusLine: { http: ['L7RSP', 'L7TOUT'] },
  endlessInformation: { http: ['L7RSP', 'L7TOUT'] },
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
const encounters = connecting.flatMap((subject) =>
  (variantsOf[subject.type] ?? [{}]).flatMap((options) =>
    names.map((server) => ({ ...subject, options, server, reasons: verdicts[server][subject.type] ?? ['L4OK'] })),
  ),
);

test.each(encounters)(
  '$type $options on $engine to a server of $server at $host gives $reasons',
  async ({ type, options, engine, host, server, reasons }) => {
    use(engine);
    const before = heldResources();
    const listening = await listen(bestiary[server], host);
    const controller = new AbortController();
    const run = runOf(probeOf(type), listening.target, options, controller.signal);
    void listening.reached.then(() => setTimeout(() => controller.abort(), 20));
    const observation = await run;
    expect(reasons).toContain(observation.reason);
    expect(observation.pass).toBe(observation.reason.endsWith('OK'));
    await listening.idle();
    await listening.close();
    expect(await leftSince(before)).toEqual([]);
  },
);

test.each(connecting)('$type on $engine to a closed port at $host gives L4CON', async ({ type, engine, host }) => {
  use(engine);
  const listening = await listen(silence, host);
  await listening.close();
  const observation = await runOf(probeOf(type), listening.target);
  expect(observation).toEqual({ pass: false, reason: 'L4CON', detail: 'connection refused', phases: {} });
});
