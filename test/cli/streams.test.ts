import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Child } from './child.ts';
import { openScene, readiness, type Scene, type Settings, scrape, settings, until, type WebServer } from './support.ts';

let scene: Scene;
let server: WebServer;
let address: string;
beforeEach(async () => {
  scene = openScene();
  server = await scene.serve();
  address = `${scene.host}:${await scene.freePort(scene.host)}`;
  scene.writeConfig(settings([server.address], { metrics: { listen: address }, log: { level: 'debug' } }));
});
afterEach(() => scene.close());

/** A pipe as a shell makes it. */
function openPipe(): { readonly reader: number; readonly writer: number } {
  const path = join(scene.directory, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: openSync(path, constants.O_WRONLY) };
}

const isReady = () =>
  until(
    () => readiness(address),
    (status) => status === 200,
  );

async function runsAtLeast(count: number): Promise<void> {
  await until(
    () => scrape(address),
    (samples) => sumOf(samples, 'lvsd_check_runs_total{') >= count,
  );
}

function sumOf(samples: ReadonlyMap<string, number>, prefix: string): number {
  return [...samples].reduce((sum, [series, value]) => sum + (series.startsWith(prefix) ? value : 0), 0);
}

async function goesOn(agent: Child): Promise<void> {
  await isReady();
  const before = sumOf(await scrape(address), 'lvsd_check_runs_total{');
  await runsAtLeast(before + 3);
  expect(await agent.stop()).toBe(0);
  expect(agent.stderr()).toBe('');
}

describe('the agent goes on, and ends with 0, when its log', () => {
  test('cannot be written', async () => {
    const full = openSync('/dev/full', 'w');
    const agent = scene.runOnto(full);
    closeSync(full);
    await goesOn(agent);
  });

  test('has a reader that goes away', async () => {
    const { reader, writer } = openPipe();
    const agent = scene.runOnto(writer);
    closeSync(writer);
    await isReady();
    closeSync(reader);
    await goesOn(agent);
  });

  test('goes to a socket whose reader goes away', async () => {
    const agent = scene.run();
    await agent.event({ 'event.action': 'agent_ready' });
    agent.closeStdout();
    await goesOn(agent);
  });

  test('goes to a pipe that is full and that nobody reads', async () => {
    scene.writeConfig(talkative());
    const { writer } = openPipe();
    const agent = scene.runOnto(writer);
    closeSync(writer);
    await isReady();
    // 64 KiB, which a pipe holds, are some 200 lines.
    await runsAtLeast(500);
    await goesOn(agent);
  });
});

test('lines that a reader is too late for are dropped and counted, and none is torn', async () => {
  scene.writeConfig(talkative());
  const { reader, writer } = openPipe();
  const agent = scene.runOnto(writer);
  closeSync(writer);
  await isReady();
  // The pipe and the agent's buffer of 1 MiB hold some 3,500 lines.
  await runsAtLeast(4000);
  let text = '';
  new Socket({ fd: reader }).setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  await until(
    () => text.includes('"error.code":"DROPPED"'),
    (isTold) => isTold,
  );
  expect(await agent.stop()).toBe(0);
  await until(
    () => text,
    (all) => all.endsWith('"message":"Stopped"}\n'),
  );
  const lines = text.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line)).find((line) => line['error.code'] === 'DROPPED')).toMatchObject({
    'event.action': 'agent_warning',
    message: expect.stringMatching(/^Dropped [1-9]\d* lines of the log: nobody read them$/),
  });
});

/** A configuration that makes some 2,000 lines a second. */
function talkative(): Settings {
  const servers = Array.from({ length: 20 }, (_, index) => ({
    address: `${scene.host}:${index + 1}`,
    checks: [{ type: 'tcp', name: 'x'.repeat(64), interval: '10ms', retry_interval: '10ms' }],
  }));
  return settings(servers, { metrics: { listen: address }, log: { level: 'debug' } });
}
