import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Child } from './child.ts';
import { openScene, readiness, type Scene, settings, type WebServer } from './support.ts';

let scene: Scene;
let first: WebServer;
let second: WebServer;
beforeEach(async () => {
  scene = openScene();
  first = await scene.serve();
  second = await scene.serve();
});
afterEach(() => scene.close());

const actions = ({ log }: Child) => log.map((line) => line['event.action']);

describe('run --once', () => {
  test('prints the table on stdout and logs on stderr', async () => {
    second.answer(503);
    scene.writeConfig(settings([{ address: first.address, weight: 2 }, second.address]));
    const agent = scene.run('--once');
    const { ending, stdout, stderr } = await agent.outcome;
    expect(ending).toBe(0);
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^IP Virtual Server version \d+\.\d+\.\d+ \(size=\d+\)$/),
      'Prot LocalAddress:Port Scheduler Flags',
      '  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn',
      'TCP  192.0.2.1:80 wlc',
      `  -> ${first.address.padEnd(28)} Masq    2      0          0         `,
      '',
    ]);
    expect(stderr.split('\n')).toHaveLength(agent.log.length + 1);
    expect(actions(agent)).toEqual(expect.arrayContaining(['agent_started', 'server_up', 'server_down']));
    expect(actions(agent).slice(-2)).toEqual(['agent_stopping', 'agent_stopped']);
  });

  test('opens no listener, and leaves those of a running agent alone', async () => {
    const address = `${scene.host}:${await scene.freePort(scene.host)}`;
    const agent = { metrics: { listen: address }, admin: { listen: `unix:${scene.socketPath}` } };
    scene.writeConfig(settings([first.address], agent));
    await scene.run().event({ 'event.action': 'agent_ready' });
    const { ending, stderr } = await scene.run('--once').outcome;
    expect(ending).toBe(0);
    expect(stderr).not.toContain('Cannot listen');
    expect(await readiness(address)).toBe(200);
    expect((await scene.lvsd('status', '-c', scene.configPath)).ending).toBe(0);
  });

  test('ends with 1 when the table could not be written', async () => {
    scene.writeConfig(settings([first.address], {}, { scheduler: 'nosuch' }));
    const agent = scene.run('--once');
    const { ending, stdout } = await agent.outcome;
    expect(ending).toBe(1);
    expect(stdout).not.toContain('TCP');
    expect(await agent.event({ 'event.action': 'ipvs_op_failed' })).toMatchObject({
      'error.code': 'ENOENT',
      'lvs.op': 'ipvsadm -A -t 192.0.2.1:80 -s nosuch',
    });
  });

  test('ends with 1 when a server could not be checked', async () => {
    scene.writeConfig(settings([first.address], {}, { checks: [{ type: 'tcp', interface: 'nosuch0' }] }));
    const agent = scene.run('--once');
    expect((await agent.outcome).ending).toBe(1);
    expect(actions(agent)).toContain('check_inconclusive');
  });

  test.each([['SIGTERM'], ['SIGINT']] as const)('leaves off at %s, without a table', async (signal) => {
    const silent = await scene.hang();
    scene.writeConfig(settings([first.address, silent.address]));
    const agent = scene.run('--once');
    await silent.asked;
    await agent.event({ 'event.action': 'service_up' });
    expect(await agent.stop(signal)).toBe(1);
    expect(agent.stdout()).toBe('');
    expect(actions(agent).slice(-2)).toEqual(['agent_stopping', 'agent_stopped']);
  });
});

describe('run --dry-run', () => {
  const files = () => ({
    metrics: { listen: `${scene.host}:${port}` },
    admin: { listen: `unix:${scene.socketPath}` },
    log: { transition_file: join(scene.directory, 'transitions') },
    state_dir: join(scene.directory, 'state'),
  });
  let port: number;
  beforeEach(async () => {
    port = await scene.freePort(scene.host);
    second.answer(503);
    scene.writeConfig(settings([first.address, second.address], files()));
  });

  test('says what it would do, listens nowhere and writes no file', async () => {
    const agent = scene.run('--dry-run');
    await agent.event({ 'event.action': 'server_down' });
    const op = `ipvsadm -a -t 192.0.2.1:80 -r ${first.address} -m -w 1`;
    expect(await agent.event({ 'event.action': 'ipvs_op_planned', 'lvs.op': op })).toMatchObject({
      'log.level': 'info',
      message: `Would apply ${op}`,
    });
    expect(await readiness(`${scene.host}:${port}`)).toBeUndefined();
    expect(existsSync(scene.socketPath)).toBe(false);
    expect(await agent.stop()).toBe(0);
    expect(readdirSync(scene.directory)).toEqual(['config.yaml']);
  });

  test('says each thing once', async () => {
    const agent = scene.run('--dry-run', '--once');
    const { ending, stdout } = await agent.outcome;
    expect(ending).toBe(0);
    expect(stdout).not.toContain('192.0.2.1');
    const planned = agent.log
      .filter((line) => line['event.action'] === 'ipvs_op_planned')
      .map((line) => line['lvs.op']);
    expect(planned).toEqual([...new Set(planned)]);
    expect(planned).toContain('ipvsadm -A -t 192.0.2.1:80 -s wlc');
  });
});
