import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { keepalived } from '../peers/keepalived.mjs';
import { ldirectord } from '../peers/ldirectord.mjs';
import { loop } from '../peers/loop.mjs';
import { lvsd } from '../peers/lvsd.mjs';

/** Where and with what a scene was run, as plain data. */
export function machine(where) {
  const peers = where === 'guest' ? [lvsd, keepalived, ldirectord, loop] : [lvsd];
  return {
    where,
    at: new Date().toISOString().slice(0, 16).replace('T', ' '),
    kernel: release(),
    processors: `${cpus().length} × ${cpus()[0].model}${isEmulated() ? ', emulated in software' : ''}`,
    // Of the machine itself, also for the guest: what else it did shows here.
    loadBefore: process.env.BENCH_LOAD,
    versions: Object.fromEntries(peers.map((peer) => [peer.name, peer.version()])),
  };
}

function isEmulated() {
  return /TCG/.test(readFileSync('/proc/cpuinfo', 'utf8'));
}
