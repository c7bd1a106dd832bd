import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { tableWithAllUp } from '../../src/cli/diff.ts';
import { parseConfig } from '../../src/config/load.ts';
import { diff } from '../../src/core/diff.ts';
import { createIpvsKernel } from '../../src/kernel/ipvs.ts';
import { ipvsadm, savedRows } from './support/ipvsadm.ts';
import { sh } from './support/netns.ts';

const schedulers = ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'dh', 'sh', 'sed', 'nq', 'fo', 'ovf', 'mh'];

const flagged = [
  { name: 'sh', flags: ['sh-fallback'], saved: 'sh-fallback' },
  { name: 'sh', flags: ['sh-port'], saved: 'sh-port' },
  { name: 'sh', flags: ['sh-port', 'sh-fallback'], saved: 'sh-fallback,sh-port' },
  { name: 'mh', flags: ['mh-fallback'], saved: 'mh-fallback' },
  { name: 'mh', flags: ['mh-port'], saved: 'mh-port' },
  { name: 'mh', flags: ['mh-fallback', 'mh-port'], saved: 'mh-fallback,mh-port' },
  { name: 'wlc', flags: ['flag-1'], saved: 'flag-1' },
  { name: 'wlc', flags: ['flag-2'], saved: 'flag-2' },
  { name: 'wlc', flags: ['flag-3'], saved: 'flag-3' },
  { name: 'rr', flags: ['flag-3', 'flag-2', 'flag-1'], saved: 'flag-1,flag-2,flag-3' },
];

const kernel = createIpvsKernel();

beforeEach(() => void ipvsadm('-C'));

afterAll(async () => {
  ipvsadm('-C');
  await kernel.close();
});

test('each scheduler, as configured, is what ipvsadm saves', async () => {
  expect(await configure(schedulers)).toEqual([]);
  expect(savedServices()).toEqual(schedulers.map((name, n) => `-A -t 192.0.2.1:${n + 1} -s ${name}`));
});

test('each flag of a scheduler, as configured, is what ipvsadm saves', async () => {
  expect(await configure(flagged.map(({ name, flags }) => ({ name, flags })))).toEqual([]);
  expect(savedServices()).toEqual(
    flagged.map(({ name, saved }, n) => `-A -t 192.0.2.1:${n + 1} -s ${name} -b ${saved}`),
  );
});

// Linux has it since 5.12, as a module that Debian's kernel is built without.
test('scheduler twos is what ipvsadm saves where the kernel has it, and refused where not', async () => {
  const hasTwos = sh('modprobe --dry-run ip_vs_twos 2>/dev/null && echo yes || echo no') === 'yes\n';
  expect(await configure(['twos'])).toEqual(hasTwos ? [] : ['add_service ENOENT', 'add_server ESRCH']);
  expect(savedServices()).toEqual(hasTwos ? ['-A -t 192.0.2.1:1 -s twos'] : []);
});

/** Takes the kernel to a service for each scheduler, on ports from 1 on. Resolves with what it refused. */
async function configure(wanted: readonly unknown[]): Promise<readonly string[]> {
  const services = wanted.map((scheduler, n) => ({
    name: `service-${n}`,
    address: `192.0.2.1:${n + 1}`,
    scheduler,
    servers: ['10.0.0.1'],
  }));
  // JSON is YAML.
  const config = parseConfig(JSON.stringify({ version: 1, services }), 'test.yaml');
  const results = await kernel.apply(diff(tableWithAllUp(config), await kernel.read()));
  return results.flatMap(({ op, error }) => (error === undefined ? [] : `${op.kind} ${error}`));
}

/** In order of port, as ipvsadm saves them. */
function savedServices(): readonly string[] {
  return savedRows().filter((row) => row.startsWith('-A'));
}
