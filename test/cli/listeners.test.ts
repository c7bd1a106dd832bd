import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openScene, type Scene, settings, type WebServer } from './support.ts';

let scene: Scene;
let server: WebServer;
beforeEach(async () => {
  scene = openScene();
  server = await scene.serve();
});
afterEach(() => scene.close());

test('a metrics port that is taken ends the start with 1 and one line', async () => {
  scene.writeConfig(settings([server.address], { metrics: { listen: server.address } }));
  expect(await scene.run().outcome).toEqual({
    ending: 1,
    stdout: '',
    stderr: `Cannot listen on ${server.address}: listen EADDRINUSE: address already in use ${server.address}\n`,
  });
});

describe('the admin socket', () => {
  const status = () => scene.lvsd('status', '-c', scene.configPath);
  beforeEach(() => scene.writeConfig(settings([server.address], { admin: { listen: `unix:${scene.socketPath}` } })));

  test('is for owner and group alone, and is gone at the end', async () => {
    const agent = scene.run();
    await agent.event({ 'event.action': 'agent_ready' });
    const { mode } = statSync(scene.socketPath);
    expect((mode & 0o7777).toString(8)).toBe('660');
    expect(await agent.stop()).toBe(0);
    expect(statSync(scene.socketPath, { throwIfNoEntry: false })).toBeUndefined();
  });

  test('is found by status through the configuration', async () => {
    await scene.run().event({ 'event.action': 'agent_ready' });
    const { ending, stdout } = await status();
    expect(ending).toBe(0);
    expect(stdout).toContain('web  TCP 192.0.2.1:80  wlc  1/1  up');
  });

  test('of an agent that was killed is replaced', async () => {
    const killed = scene.run();
    await killed.event({ 'event.action': 'agent_ready' });
    expect(await killed.stop('SIGKILL')).toBe('SIGKILL');
    expect(statSync(scene.socketPath).isSocket()).toBe(true);
    expect((await status()).ending).toBe(69);
    await scene.run().event({ 'event.action': 'agent_ready' });
    expect((await status()).ending).toBe(0);
  });

  test('of a living agent is refused to a second one, and answers still', async () => {
    await scene.run().event({ 'event.action': 'agent_ready' });
    expect(await scene.run().outcome).toEqual({
      ending: 1,
      stdout: '',
      stderr: `Cannot listen on unix:${scene.socketPath}: another process answers there\n`,
    });
    expect((await status()).ending).toBe(0);
  });

  test('takes the place of no file', async () => {
    writeFileSync(scene.socketPath, 'precious');
    expect(await scene.run().outcome).toEqual({
      ending: 1,
      stdout: '',
      stderr: `Cannot listen on unix:${scene.socketPath}: it exists and is not a socket\n`,
    });
    expect(readFileSync(scene.socketPath, 'utf8')).toBe('precious');
  });
});
