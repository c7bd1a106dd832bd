import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { SettingOp, SyncDaemon } from '../../src/core/settings.ts';
import { createIpvsKernel, type IpvsKernel } from '../../src/kernel/ipvs.ts';
import { formatSettingOp } from '../../src/kernel/text/setting-rules.ts';
import { addServer, addService, server, service } from '../contract/kernel.ts';
import { lvsd, until, writeConfigFile } from './support/agent.ts';
import { ipvsadm } from './support/ipvsadm.ts';
import { sh } from './support/netns.ts';
import { openScene, type Scene } from './support/scene.ts';
import { settings, webService } from './support/settings.ts';

let scene: Scene;
let kernel: IpvsKernel;

beforeAll(async () => {
  scene = await openScene();
  kernel = createIpvsKernel();
});

afterEach(async () => {
  await scene.reset();
  sh('ipvsadm --set 900 120 300; ipvsadm --stop-daemon master || true; ipvsadm --stop-daemon backup || true');
});

afterAll(async () => {
  await kernel.close();
  await scene.close();
});

const master = { role: 'master', interface: 'lvsbr0', sync_id: 7 };
const daemon: SyncDaemon = {
  role: 'master',
  interface: 'lvsbr0',
  syncId: 7,
  group: '224.0.0.90',
  port: 8849,
  ttl: 3,
  maxLength: 1400,
};

function configuration(ipvs: object, changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ ...JSON.parse(settings([webService(changes)])), ipvs });
}

test('an agent sets timeouts and starts a daemon, repairs both, and stops the daemon when it leaves the file', async () => {
  ipvsadm('--start-daemon backup --mcast-interface lo --syncid 9');
  const agent = await scene.startReady(configuration({ timeouts: { tcp: '1800s' }, sync_daemons: [master] }));
  expect(timeouts()).toBe('1800 120 300');
  expect(daemons()).toEqual([
    'master sync daemon (mcast=lvsbr0, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)',
    expect.stringMatching(/^backup sync daemon \(mcast=lo, syncid=9,/),
  ]);

  sh('ipvsadm --set 5 6 7; ipvsadm --stop-daemon master');
  await agent.event({ 'event.action': 'ipvs_drift_repaired', 'lvs.row': 'timeouts' });
  await agent.event({ 'event.action': 'ipvs_drift_repaired', 'lvs.row': 'sync daemon master' });
  expect(timeouts()).toBe('1800 6 7');
  expect(daemons()).toHaveLength(2);

  agent.writeConfig(configuration({ sync_daemons: [] }));
  agent.signal('SIGHUP');
  await until(daemons, (lines) => lines.length === 1);
  expect(daemons()[0]).toContain('backup');
  expect(timeouts()).toBe('1800 6 7');
});

test('what is refused is named: a scheduler that the kernel has not, an interface that is not there', async () => {
  const yaml = configuration({ sync_daemons: [{ ...master, interface: 'nonesuch' }] }, { scheduler: 'nonesuch' });
  const agent = scene.start(yaml);
  const scheduler = await agent.event({ 'event.action': 'ipvs_op_failed', 'error.code': 'ENOENT' });
  expect(scheduler['error.message']).toBe('it has no scheduler nonesuch');
  const absent = await agent.event({ 'event.action': 'ipvs_op_failed', 'error.code': 'ENODEV' });
  expect(absent['error.message']).toBe('there is no interface nonesuch');
});

test('diff prints what ipvsadm is to do about settings, run --once does it', async () => {
  const path = writeConfigFile(configuration({ timeouts: { udp: '10s' }, sync_daemons: [{ ...master, ttl: 2 }] }));
  ipvsadm('--start-daemon master --mcast-interface lo');
  const { stdout } = await lvsd('diff', '-c', path);
  expect(stdout.split('\n').slice(-4, -1)).toEqual([
    'ipvsadm --set 0 0 10',
    'ipvsadm --stop-daemon master',
    'ipvsadm --start-daemon master --mcast-interface lvsbr0 --syncid 7 --mcast-group 224.0.0.81 --mcast-port 8848 --mcast-ttl 2',
  ]);
  expect((await lvsd('run', '--once', '-c', path)).status).toBe(0);
  expect(timeouts()).toBe('900 120 10');
  expect(daemons()).toEqual([
    'master sync daemon (mcast=lvsbr0, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=2)',
  ]);
});

test('a change of the settings as text is what ipvsadm does', async () => {
  const ops: readonly SettingOp[] = [
    { kind: 'set_timeouts', timeouts: { tcpSeconds: 1800, tcpFinSeconds: 0, udpSeconds: 10 } },
    { kind: 'start_daemon', daemon },
    { kind: 'start_daemon', daemon: { ...daemon, role: 'backup', group: 'ff02::81', maxLength: 65_487 } },
    { kind: 'stop_daemon', role: 'master' },
    { kind: 'start_daemon', daemon: { ...daemon, syncId: 0, ttl: 255, maxLength: 0 } },
  ];
  for (const op of ops) ipvsadm(formatSettingOp(op));
  const byIpvsadm = await kernel.readSettings();
  sh('ipvsadm --set 900 120 300; ipvsadm --stop-daemon master; ipvsadm --stop-daemon backup');
  expect((await kernel.applySettings(ops)).filter(({ error }) => error !== undefined)).toEqual([]);
  expect(await kernel.readSettings()).toEqual(byIpvsadm);
});

test('the kernel has no daemon beside servers of the other family, as the configuration says', async () => {
  const far = server({ address: '2001:db8::7', forwarding: 'tun' });
  const start: SettingOp = { kind: 'start_daemon', daemon };
  await kernel.apply([addService(service()), addServer(service(), far)]);
  expect(await kernel.applySettings([start])).toEqual([{ op: start, error: 'EINVAL' }]);
  ipvsadm('-C');
  expect(await kernel.applySettings([start])).toEqual([{ op: start }]);
  const results = await kernel.apply([addService(service()), addServer(service(), far)]);
  expect(results.map(({ error }) => error)).toEqual([undefined, 'EINVAL']);
});

test('the kernel takes the longest timeouts that the configuration has', async () => {
  const longest = 24 * 86_400;
  const timeouts = { tcpSeconds: longest, tcpFinSeconds: longest, udpSeconds: longest };
  await kernel.applySettings([{ kind: 'set_timeouts', timeouts }]);
  expect((await kernel.readSettings()).timeouts).toEqual(timeouts);
});

/** In seconds: of TCP, of TCP after a FIN, of UDP. */
function timeouts(): string {
  return ipvsadm('-L --timeout').trim().replace(/^.*: /, '');
}

function daemons(): readonly string[] {
  return ipvsadm('-L --daemon').split('\n').slice(0, -1);
}
