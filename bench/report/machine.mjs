import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { keepalived } from '../peers/keepalived.mjs';
import { ldirectord } from '../peers/ldirectord.mjs';
import { loop } from '../peers/loop.mjs';
import { lvsd } from '../peers/lvsd.mjs';
import { sh } from '../support/shell.mjs';

/** What else has a column somewhere: its name is how that begins. */
const ipvsadm = {
  name: 'ipvsadm',
  version: () => sh('modprobe ip_vs; ipvsadm --version 2>&1').match(/v([\d.]+)/)?.[1],
};
const bareLoop = { name: 'bare loop', version: () => `by ${sh('cc --version').split('\n')[0]}` };

/** Where and with what a scene was run, as plain data. */
export function machine(where) {
  const measured = where === 'guest' ? [lvsd, keepalived, ldirectord, loop, ipvsadm] : [lvsd, bareLoop];
  return {
    where,
    at: new Date().toISOString().slice(0, 16).replace('T', ' '),
    kernel: release(),
    processors: `${cpus().length} × ${cpus()[0].model}${isEmulated() ? ', emulated in software' : ''}`,
    // Of the machine itself, also for the guest: what else it did shows here.
    loadBefore: process.env.BENCH_LOAD,
    versions: Object.fromEntries(measured.map(({ name, version }) => [name, version()])),
  };
}

function isEmulated() {
  return /TCG/.test(readFileSync('/proc/cpuinfo', 'utf8'));
}
