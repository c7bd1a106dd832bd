import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { start } from './child.mjs';
import { folder, sh, until } from './shell.mjs';

/** Watches the kernel's table (table.c) each 10 ms: its rows, and the weights of one service. */
export function watchTable({ address, port }) {
  const { child, end } = start([`${folder}/table`, '10', address, String(port)], ['ignore', 'pipe', 'inherit']);
  /** The newest last. */
  const changes = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [atMs, servers, weight] = line.split(' ').map(Number);
    changes.push({ atMs, servers, weight });
  });
  return {
    /** Resolves with the first state `{ atMs, servers, weight }` that is so and lasted until `fromMs` or began later. */
    reaches(isSo, { fromMs = 0, limitMs = 240_000 } = {}) {
      return until(
        () => changes.find((change, i) => isSo(change) && (changes[i + 1]?.atMs ?? Infinity) >= fromMs),
        limitMs,
      );
    },
    /** Rows of servers now. */
    servers: () => changes.at(-1)?.servers,
    stop: () => end(),
  };
}

export function clearTable() {
  sh('modprobe ip_vs; ipvsadm -C');
}

/** The addresses of all rows of servers. For small tables. */
export function addressesInTable() {
  const rows = readFileSync('/proc/net/ip_vs', 'utf8').matchAll(/-> ([0-9A-F]{8}):/g);
  return new Set([...rows].map(([, hex]) => Buffer.from(hex, 'hex').join('.')));
}
