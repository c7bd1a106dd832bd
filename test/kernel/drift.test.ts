import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Agent, scrape, until } from './support/agent.ts';
import { ipvsadm, savedRows } from './support/ipvsadm.ts';
import { sh } from './support/netns.ts';
import { firstServer, openScene, type Scene, secondServer, vip, web } from './support/scene.ts';
import { reconcileIntervalMs, settings, slackMs, webService } from './support/settings.ts';

const ours = [
  `-A -t ${vip}:80 -s wrr`,
  `-a -t ${vip}:80 -r ${firstServer} -g -w 2`,
  `-a -t ${vip}:80 -r ${secondServer} -g -w 1`,
];
/** Of somebody else: another address, our address at another port, a firewall mark. */
const foreign = [
  '-A -t 192.0.2.50:80 -s rr -p 300',
  '-a -t 192.0.2.50:80 -r 10.0.0.1:80 -m -w 7',
  `-A -t ${vip}:81 -s lc`,
  '-A -f 77 -s wlc',
  '-a -f 77 -r 10.0.0.2:0 -g -w 1',
];
/** A change made just after a look is repaired by the next one. */
const repairedMs = reconcileIntervalMs + slackMs;

let scene: Scene;
let agent: Agent;

beforeAll(async () => {
  scene = await openScene();
});

afterAll(() => scene.close());

describe('with on_drift repair', () => {
  beforeAll(async () => {
    agent = await scene.startReady(settings([webService()]));
  });

  beforeEach(() => addForeign());

  afterEach(() => removeForeign());

  afterAll(() => scene.reset());

  test.each<[what: string, command: string, drift: Record<string, string>]>([
    ['a changed weight', `-e -t ${vip}:80 -r ${firstServer} -g -w 9`, { [`${web} ${firstServer}`]: 'different' }],
    ['a changed forwarding', `-e -t ${vip}:80 -r ${firstServer} -i -w 2`, { [`${web} ${firstServer}`]: 'different' }],
    ['a deleted server', `-d -t ${vip}:80 -r ${secondServer}`, { [`${web} ${secondServer}`]: 'missing' }],
    ['a foreign server', `-a -t ${vip}:80 -r 172.16.100.99:80 -g`, { [`${web} 172.16.100.99:80`]: 'extra' }],
    ['a changed scheduler', `-E -t ${vip}:80 -s rr`, { [web]: 'different' }],
    [
      'a deleted service',
      `-D -t ${vip}:80`,
      { [web]: 'missing', [`${web} ${firstServer}`]: 'missing', [`${web} ${secondServer}`]: 'missing' },
    ],
  ])(
    '%s is repaired within an interval, told and counted; what is foreign is left alone',
    async (_, command, drift) => {
      await expectRepair(command, drift, [...ours, ...foreign]);
    },
  );

  test('a cleared table gets back what is ours, and that alone', async () => {
    const drift = { [web]: 'missing', [`${web} ${firstServer}`]: 'missing', [`${web} ${secondServer}`]: 'missing' };
    await expectRepair('-C', drift, ours);
  });

  test('the table is rebuilt after the module was unloaded and loaded again', async () => {
    const modprobe = readFileSync('/proc/sys/kernel/modprobe', 'utf8');
    const from = agent.log.length;
    // A question loads the module on demand: nobody may ask while it goes, nor may the kernel find it afterwards.
    await until(
      () => unloadUnder(agent),
      (isGone) => isGone,
    );
    try {
      writeFileSync('/proc/sys/kernel/modprobe', '/bin/false');
      agent.signal('SIGCONT');
      await agent.event({ 'event.action': 'ipvs_unreachable', 'error.code': 'ENOENT' }, { from });
      await until(ipvsUp, (value) => value === 0);
    } finally {
      writeFileSync('/proc/sys/kernel/modprobe', modprobe);
      agent.signal('SIGCONT');
    }
    await agent.event({ 'event.action': 'ipvs_recovered' }, { from });
    await until(savedRows, (rows) => isSame(rows, ours), repairedMs);
    await until(ipvsUp, (value) => value === 1);
  });
});

test('with on_drift report, drift is told and counted once, and left as it is', async () => {
  agent = await scene.startReady(settings([webService()], { on_drift: 'report' }));
  addForeign();
  const drifted = [...ours.slice(0, 1), `-a -t ${vip}:80 -r ${firstServer} -g -w 9`, ...ours.slice(2), ...foreign];
  const from = agent.log.length;
  ipvsadm(`-e -t ${vip}:80 -r ${firstServer} -g -w 9`);
  const row = { 'lvs.row': `${web} ${firstServer}`, 'lvs.drift': 'different' };
  await agent.event({ 'event.action': 'ipvs_drift_found', ...row }, { from, timeoutMs: repairedMs });

  const runs = 'lvsd_reconcile_runs_total{result="ok",trigger="timer"}';
  const before = (await scrape()).get(runs) ?? 0;
  const samples = await until(scrape, (now) => (now.get(runs) ?? 0) >= before + 3);
  expect([...savedRows()].sort()).toEqual([...drifted].sort());
  expect(samples.get('lvsd_reconcile_drift_total{kind="different"}')).toBe(1);
  expect(agent.log.slice(from).map((line) => line['event.action'])).toEqual(['ipvs_drift_found']);
});

async function expectRepair(command: string, drift: Record<string, string>, wanted: readonly string[]) {
  const from = agent.log.length;
  const before = await driftCounts();
  ipvsadm(command);
  await until(savedRows, (rows) => isSame(rows, wanted), repairedMs);
  const told = () => agent.log.slice(from).filter((line) => line['event.action'] === 'ipvs_drift_repaired');
  await until(told, (lines) => lines.length >= Object.keys(drift).length);
  expect(Object.fromEntries(told().map((line) => [line['lvs.row'], line['lvs.drift']]))).toEqual(drift);
  const kinds = Object.values(drift);
  const wantedCounts = driftKinds.map((kind, n) => (before[n] ?? 0) + kinds.filter((one) => one === kind).length);
  await until(driftCounts, (counts) => counts.join() === wantedCounts.join());
}

const driftKinds = ['missing', 'extra', 'different'];

async function driftCounts(): Promise<readonly number[]> {
  const samples = await scrape();
  return driftKinds.map((kind) => samples.get(`lvsd_reconcile_drift_total{kind="${kind}"}`) ?? 0);
}

/** Stops the agent and unloads IPVS. False: it was stopped before it had read an answer to the end, and goes on. */
function unloadUnder({ signal }: Agent): boolean {
  signal('SIGSTOP');
  try {
    ipvsadm('-C');
    sh("rmmod $(lsmod | awk '/^ip_vs_/ { print $1 }') ip_vs");
    return true;
  } catch {
    signal('SIGCONT');
    return false;
  }
}

function addForeign(): void {
  sh(foreign.map((row) => `ipvsadm ${row}`).join('\n'));
}

function removeForeign(): void {
  const rows = savedRows();
  const services = foreign.filter((row) => row.startsWith('-A') && rows.includes(row));
  sh(services.map((row) => row.replace(/^-A (-\w \S+).*$/, 'ipvsadm -D $1')).join('\n'));
}

async function ipvsUp(): Promise<number | undefined> {
  return (await scrape()).get('lvsd_ipvs_up');
}

function isSame(rows: readonly string[], wanted: readonly string[]): boolean {
  return [...rows].sort().join() === [...wanted].sort().join();
}
