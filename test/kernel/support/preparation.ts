import { rmSync } from 'node:fs';
import { writeConfigFile } from './agent.ts';
import { type Host, runBesideOn, sh } from './netns.ts';

/** Sets up the guest itself, by its link eth0, as a director of a configuration. */
export async function prepareDirector(yaml: string): Promise<void> {
  const guest = { name: '', address: '' };
  await runBesideOn(guest, 'lvsd', 'director', 'up', '-c', writeConfigFile(yaml), '--interface', 'eth0');
}

/** Forgets that, once the link is gone, and its addresses with it; for the sysctls the caller sees. */
export function forgetDirector(): void {
  sh('if nft list table inet lvsd > /dev/null 2>&1; then nft delete table inet lvsd; fi');
  rmSync('/var/lib/lvsd', { recursive: true, force: true });
}

/** Sets up a real server for what comes to virtual addresses by direct routing or a tunnel. */
export async function prepareServer(host: Host, addresses: readonly string[], method: 'dr' | 'tun'): Promise<void> {
  await realserver(host, 'up', '--vip', ...addresses, '--method', method);
}

/** Takes it back. */
export async function undoServer(host: Host): Promise<void> {
  await realserver(host, 'down');
}

/** All hosts share the files of the guest, so each keeps its record in a folder of its own. */
async function realserver(host: Host, ...args: readonly string[]): Promise<void> {
  await runBesideOn(host, 'lvsd', 'realserver', ...args, '--state-dir', `/tmp/lvsd-${host.name}`);
}
