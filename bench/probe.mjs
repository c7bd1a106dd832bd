// Measures the CPU of a TCP probe on loopback, side by side: the bare loop in C, lvsd on each of its engines, and Node's
// `net` without anything around it. Prints a table.
//
//   npm run build && node bench/probe.mjs [RATE [SECONDS [ROUNDS]]]        default 5000 a second, 5 s, 3 rounds

import { execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [rate = 5000, seconds = 5, rounds = 3] = process.argv.slice(2).map(Number);
/** Probes of each server before it counts: the first of them fill the table. */
const warmUpRuns = 4;
/** Of the bare loop of Node: after a stall it must not open all at once. */
const inFlightAtMost = 500;
const serversOfService = 100;
const ownNothing = { owned: () => new Set(), replace: () => {} };

/** What runs in a process of its own, told by its argument; each prints probes, and CPU in microseconds. */
const subjects = {
  'lvsd, all of it': () => agent(false, true),
  'lvsd, without metrics': () => agent(false, false),
  'lvsd, on sockets of Node': () => agent(true, true),
  'net alone': bareNet,
};

const [role, port] = (process.env.BENCH_ROLE ?? '').split('@');
if (role === '') await compare();
else process.send(await subjects[role]());

async function compare() {
  const directory = mkdtempSync(join(tmpdir(), 'probe-'));
  const loop = join(directory, 'probe');
  try {
    execFileSync('cc', ['-O2', '-o', loop, join(import.meta.dirname, 'probe.c')]);
    const listener = spawn(loop, [], { stdio: ['ignore', 'pipe', 'inherit'] });
    const listenPort = Number(await once(listener.stdout, 'data'));
    const names = Object.keys(subjects);
    const costs = Object.fromEntries(['C loop', ...names].map((name) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      const [probes, cpu] = execFileSync(loop, [rate, seconds, listenPort]).toString().split(' ').map(Number);
      costs['C loop'].push(cpu / probes);
      for (const name of names) costs[name].push(await costOf(name, listenPort));
    }
    print(costs);
    listener.kill();
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function costOf(name, listenPort) {
  const child = fork(import.meta.filename, process.argv.slice(2), {
    env: { ...process.env, BENCH_ROLE: `${name}@${listenPort}` },
  });
  const [{ probes, cpu, wanted }] = await once(child, 'message');
  child.kill();
  if (probes < wanted * 0.98) console.warn(`${name}: ${probes} of ${wanted} probes: it falls behind`);
  return cpu / probes;
}

function print(costs) {
  const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
  const base = median(costs['C loop']);
  console.log(
    `| ${rate} TCP probes a second | CPU a probe, µs (median of ${rounds}) | of the C loop |\n| --- | --- | --- |`,
  );
  for (const [name, values] of Object.entries(costs)) {
    console.log(`| ${name} | ${median(values).toFixed(1)} | ${(median(values) / base).toFixed(2)} |`);
  }
}

/** The whole agent but the kernel: scheduler, runner, probe, health, judge, and the metrics that listen. */
async function agent(isNode, hasMetrics) {
  const source = (path) => import(`../dist/${path}.js`);
  const { probeOf } = await source('checks/index');
  const { createAgent } = await source('src/agent');
  const { createMemoryKernel } = await source('src/kernel/memory');
  const { createSystemClock } = await source('src/run/clock');
  const { createIdleConnections } = await source('src/run/idle');
  const { createMetrics } = await source('src/observe/metrics');
  const { preferNode } = await source('src/net/engine');
  preferNode(isNode);
  let probes = 0;
  let metrics;
  const created = createAgent({
    version: 'bench',
    config: configOf(rate),
    kernel: createMemoryKernel(),
    probeOf,
    ownership: { services: ownNothing, daemons: ownNothing },
    connections: createIdleConnections(1000),
    runLimit: 2000,
    isDryRun: false,
    clock: createSystemClock(),
    random: Math.random,
    emit: (event) => {
      if (hasMetrics) metrics?.observe(event);
      if (event.type !== 'check_ran') return;
      probes += 1;
      if (event.result.kind !== 'observation' || !event.result.observation.pass) console.error(event.result);
    },
  });
  metrics = createMetrics({ version: 'bench', snapshot: created.snapshot });
  await created.start();
  return measure(() => probes);
}

/** As many servers as probes are wanted a second, each checked once a second. */
function configOf(count) {
  const indexes = Array.from({ length: count }, (_, index) => index);
  const services = indexes.filter((index) => index % serversOfService === 0);
  return {
    agent: { reconcileIntervalMs: 5000, onDrift: 'repair' },
    services: services.map((first) => serviceOf(first, indexes.slice(first, first + serversOfService).map(serverOf))),
    maintenance: [],
    settings: { timeouts: {}, daemons: [] },
  };
}

function serviceOf(first, servers) {
  return {
    name: `bench-${first}`,
    identity: { kind: 'address', protocol: 'tcp', address: '192.0.2.1', port: first + 1 },
    scheduler: 'wlc',
    schedulerFlags: [],
    persistence: undefined,
    onFailure: 'remove',
    failOpen: { when: 'all_down' },
    servers,
    fallbackServers: [],
  };
}

function serverOf(index) {
  const target = { address: `127.1.${index >> 8}.${index & 255}`, port: Number(port) };
  const timing = { intervalMs: 1000, timeoutMs: 1000, retryIntervalMs: 500, jitter: 0.1 };
  const check = { name: 'tcp', type: 'tcp', options: { close: 'rst' }, target, fall: 3, rise: 2, ...timing };
  return { ...target, forwarding: 'dr', weight: 1, upperThreshold: 0, lowerThreshold: 0, checks: [check] };
}

async function bareNet() {
  let begun = 0;
  let ended = 0;
  const startMs = performance.now();
  setInterval(() => {
    const due = ((performance.now() - startMs) * rate) / 1000;
    for (; begun < due && begun - ended < inFlightAtMost; begun++) {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.resetAndDestroy();
        ended += 1;
      });
    }
  }, 1);
  return measure(() => ended);
}

async function measure(count) {
  while (count() < warmUpRuns * rate) await sleep(100);
  const before = { count: count(), cpu: process.cpuUsage() };
  await sleep(seconds * 1000);
  const { user, system } = process.cpuUsage(before.cpu);
  return { probes: count() - before.count, cpu: user + system, wanted: rate * seconds };
}

if (!existsSync(join(import.meta.dirname, '../dist'))) throw new Error('dist/ is not there: npm run build');
