import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { lvsd, writeConfigFile } from './support/agent.ts';
import { ipvsadm, savedRows } from './support/ipvsadm.ts';
import { sh } from './support/netns.ts';
import { firstServer, openScene, type Scene, secondServer, vip, web } from './support/scene.ts';
import { settings, webService } from './support/settings.ts';

const yaml = settings([webService()]);
const adminSocket = '/run/lvsd/admin.sock';

let scene: Scene;

beforeAll(async () => {
  scene = await openScene();
});

afterEach(() => scene.reset());

afterAll(() => scene.close());

test('run --once brings the table in order and prints it as ipvsadm does', async () => {
  ipvsadm('-A -f 77 -s wlc');
  ipvsadm(`-A -t ${vip}:80 -s rr`);
  await scene.first.behave('refuse');
  const { status, stdout, stderr } = await lvsd('run', '--once', '-c', writeConfigFile(yaml));
  expect({ status, stdout }).toEqual({ status: 0, stdout: ipvsadm('-L -n') });
  expect(savedRows()).toEqual([
    `-A -t ${vip}:80 -s wrr`,
    `-a -t ${vip}:80 -r ${secondServer} -g -w 1`,
    '-A -f 77 -s wlc',
  ]);
  expect(stderr).toContain('"event.action":"server_down"');
});

test('run --dry-run says what it would do and changes nothing', async () => {
  ipvsadm(`-A -t ${vip}:80 -s rr`);
  const before = savedRows();
  const { status, stderr } = await lvsd('run', '--dry-run', '--once', '-c', writeConfigFile(yaml));
  expect(status).toBe(0);
  const planned = stderr.split('\n').filter((line) => line.includes('"ipvs_op_planned"'));
  expect(planned.map((line) => JSON.parse(line)['lvs.op'])).toContain(
    `ipvsadm -a -t ${vip}:80 -r ${firstServer} -g -w 2`,
  );
  expect(savedRows()).toEqual(before);
});

test('diff prints what ipvsadm is to do, and nothing once that is done', async () => {
  sh(`ipvsadm -A -t ${vip}:80 -s rr
    ipvsadm -a -t ${vip}:80 -r ${firstServer} -m -w 7
    ipvsadm -a -t ${vip}:80 -r 172.16.100.99:80 -g`);
  const path = writeConfigFile(yaml);
  const { status, stdout } = await lvsd('diff', '-c', path);
  expect(status).toBe(1);
  expect(stdout.split('\n')).toHaveLength(5);
  sh(stdout);
  expect(await lvsd('diff', '-c', path)).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('status asks the agent over a socket that others may not open', async () => {
  const agent = await scene.startReady(yaml);
  expect(statSync(adminSocket).mode & 0o7777).toBe(0o660);
  const all = await lvsd('status');
  expect(all).toMatchObject({ status: 0, stderr: '' });
  expect(all.stdout).toContain(`${web}  wrr  2/2  up`);

  await scene.first.behave('refuse');
  await agent.event({ 'event.action': 'server_down' });
  const one = await lvsd('status');
  expect(one.status).toBe(3);
  expect(one.stdout).toContain(`${web}  wrr  1/2  up`);

  await agent.stop('SIGTERM');
  expect(await lvsd('status')).toMatchObject({ status: 69, stdout: '' });
});

test('on a kernel without IPVS, commands that need it end with 69 and say why', async () => {
  const modprobe = readFileSync('/proc/sys/kernel/modprobe', 'utf8');
  const path = writeConfigFile(yaml);
  ipvsadm('-C');
  sh("rmmod $(lsmod | awk '/^ip_vs_/ { print $1 }') ip_vs");
  writeFileSync('/proc/sys/kernel/modprobe', '/bin/false');
  try {
    for (const command of ['run', 'diff']) {
      const { status, stderr } = await lvsd(command, '-c', path);
      expect({ command, status }).toEqual({ command, status: 69 });
      expect(stderr).toContain('the kernel has no IPVS');
    }
  } finally {
    writeFileSync('/proc/sys/kernel/modprobe', modprobe);
  }
});
