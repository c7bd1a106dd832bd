import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type Outcome, until } from './agent.ts';
import { createNetwork, type Host, type Network, runOn } from './netns.ts';

const program = join(process.env.LVSD_ROOT ?? join(__dirname, '../../..'), 'dist/src/main.js');

interface How {
  /** A command that runs what follows it. */
  readonly wrapper?: readonly string[];
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** As the kernel has them first. A new namespace has what this machine has set, which may be a router. */
const usual = ['all', 'lo', 'eth0'].flatMap((link) =>
  ['arp_announce=0', 'arp_ignore=0', 'rp_filter=0', 'send_redirects=1'].map((one) => `net.ipv4.conf.${link}.${one}`),
);

/** A network with a host to be set up, at 172.16.100.10, and a client at .200; both have IPv6 as well. */
export async function createHostAndClient(): Promise<{
  readonly network: Network;
  readonly host: Host;
  readonly client: Host;
}> {
  const network = createNetwork();
  const host = network.addHost(10);
  const client = network.addHost(200);
  for (const one of [host, client]) {
    runOn(one, 'sysctl', '-qw', 'net.ipv4.ip_forward=0', ...usual);
    const address = `2001:db8:100::${one === host ? '10' : '200'}/64`;
    runOn(one, 'ip', 'addr', 'add', address, 'dev', 'eth0', 'nodad');
    await settle(one);
  }
  return { network, host, client };
}

/** Runs the built lvsd on a host to its end. Its status is -1 when a signal ended it. */
export function lvsdOn(
  host: Host,
  args: readonly string[],
  { wrapper = [], nodeOptions = [], env = {} }: How = {},
): Outcome {
  const command = [...wrapper, process.execPath, ...nodeOptions, program, ...args];
  const [file = '', ...rest] = host.name === '' ? command : ['ip', 'netns', 'exec', host.name, ...command];
  const { status, stdout, stderr } = spawnSync(file, rest, { encoding: 'utf8', env: { ...process.env, ...env } });
  return { status: status ?? -1, stdout, stderr };
}

/**
 * Runs lvsd as often as it takes to have it killed before each change that it makes. Calls `check` with the number of
 * changes that it has made after each. Returns how many there are.
 */
export function killAtEachStep(host: Host, args: readonly string[], check: (changes: number) => void): number {
  const nodeOptions = ['--import', join(__dirname, 'kill.mjs')];
  for (let changes = 0; ; changes++) {
    const { status, stderr } = lvsdOn(host, args, { nodeOptions, env: { KILL_AT: `${changes + 1}` } });
    if (status === 0) return changes;
    if (status !== -1) throw new Error(`Not killed after ${changes} changes but ended with ${status}: ${stderr}`);
    check(changes);
  }
}

/** All that `director` and `realserver` may change: addresses, routes, rules of nftables, sysctls. */
export function dump(host: Host): string {
  const links = runOn(host, 'ip', '-d', 'link').replaceAll(/ (?:gro|gso|tso)_\S+ \d+/g, '');
  const addresses = runOn(host, 'ip', 'addr');
  const routes = ['-4', '-6'].map((family) => runOn(host, 'ip', family, 'route', 'show', 'table', 'all'));
  const rules = ['-4', '-6'].map((family) => runOn(host, 'ip', family, 'rule'));
  const nft = runOn(host, 'nft', 'list', 'ruleset');
  return [links, addresses, ...routes, ...rules, nft, ...sysctls(host)].join('\n');
}

/** Resolves when duplicate detection is over on a host: what it adds later would look like a change of ours. */
async function settle(host: Host): Promise<void> {
  await until(
    () => runOn(host, 'ip', 'addr', 'show', 'dev', 'eth0'),
    (text) => text.includes('state UP') && text.includes('inet6 fe80') && !text.includes('tentative'),
  );
}

function sysctls(host: Host): readonly string[] {
  const { stdout } = spawnSync('ip', ['netns', 'exec', host.name, 'sysctl', '-a', '-r', '^net\\.'], {
    encoding: 'utf8',
  });
  // Counters, which move by themselves.
  return stdout.split('\n').filter((line) => !/nf_conntrack_count/.test(line));
}
