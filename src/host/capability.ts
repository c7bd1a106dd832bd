import { readFileSync } from 'node:fs';
import { HostError } from './error.ts';

/** CAP_NET_ADMIN of <linux/capability.h> */
const netAdmin = 12n;

/** Throws `HostError` where this process may not change addresses and sysctls of its network. */
export function requireCapability(command: string): void {
  if (hasNetAdmin()) return;
  throw new HostError('notPermitted', `Cannot run ${command}: run it as root, or with the capability CAP_NET_ADMIN`);
}

export function hasNetAdmin(): boolean {
  const [, mask = '0'] = /^CapEff:\s*([\da-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return ((BigInt(`0x${mask}`) >> netAdmin) & 1n) === 1n;
}
