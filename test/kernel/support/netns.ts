import { type ChildProcess, execFile, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { promisify } from 'node:util';

/** A host of its own: a network namespace with one link to the network of the test. */
export interface Host {
  /** Name of its namespace; empty for the guest itself. */
  readonly name: string;
  readonly address: string;
}

export interface Network {
  /** The guest itself, where the kernel's table of the test is. */
  readonly director: Host;
  /** A host at the given last number, such as 10 for 172.16.100.10. Its link is called eth0. */
  addHost(number: number): Host;
  /** Takes the host's link down or up; its own processes go on. */
  setLink(host: Host, state: 'up' | 'down'): void;
  /** Removes what was made. Processes started on hosts are the caller's to end. */
  close(): void;
}

const prefix = '172.16.100';
const bridge = 'lvsbr0';

/**
 * A switch with the director at 172.16.100.1 and hosts behind it. Isolated from anything else; one at a time in one
 * namespace.
 */
export function createNetwork(): Network {
  const director = { name: '', address: `${prefix}.1` };
  const hosts: Host[] = [];
  sh(
    `ip link add ${bridge} type bridge && ip addr add ${director.address}/24 dev ${bridge} && ip link set ${bridge} up`,
  );
  return {
    director,
    addHost(number) {
      const host = { name: `host${number}`, address: `${prefix}.${number}` };
      const link = linkOf(host);
      sh(`ip netns add ${host.name}
        ip link add ${link} type veth peer name eth0 netns ${host.name}
        ip link set ${link} master ${bridge} up
        ip -n ${host.name} link set lo up
        ip -n ${host.name} addr add ${host.address}/24 dev eth0
        ip -n ${host.name} link set eth0 up
        ip -n ${host.name} route add default via ${director.address}`);
      hosts.push(host);
      return host;
    },
    setLink: (host, state) => sh(`ip link set ${linkOf(host)} ${state}`),
    close() {
      for (const { name } of hosts) sh(`ip netns del ${name}`);
      sh(`ip link del ${bridge}`);
    },
  };
}

/** Gives the director the address of a service; clients on its network find it there. */
export function announce(address: string): void {
  sh(`ip addr add ${address}/32 dev ${bridge}`);
}

/** Lets a real server take what direct routing brings it for the address of a service, without answering ARP for it. */
export function acceptDirectly(host: Host, address: string): void {
  runOn(host, 'sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.all.arp_announce=2');
  runOn(host, 'ip', 'addr', 'add', `${address}/32`, 'dev', 'lo');
}

/**
 * The body, less its last newline, of what a URL answers to a client on a host. Throws when there is no answer within
 * `limitSeconds`, or no 2xx one.
 */
export function fetchFrom(host: Host, url: string, limitSeconds = 60): string {
  return runOn(host, 'curl', '-sS', '-f', '-m', `${limitSeconds}`, url).trimEnd();
}

/** Runs a command to its end on a host, and returns what it printed. Throws when it fails. */
export function runOn(host: Host, command: string, ...options: readonly string[]): string {
  const [program = '', ...rest] = onHost(host, command, options);
  return execFileSync(program, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The same beside what else goes on: for hosts that do their parts at one time. */
export async function runBesideOn(host: Host, command: string, ...options: readonly string[]): Promise<string> {
  const [program = '', ...rest] = onHost(host, command, options);
  return (await promisify(execFile)(program, rest)).stdout;
}

/** Starts a command on a host; the child is that command itself, so signals reach it. */
export function startOn(host: Host, command: string, options: readonly string[], how: SpawnOptions = {}): ChildProcess {
  const [program = '', ...rest] = onHost(host, command, options);
  return spawn(program, rest, how);
}

/** Runs a script of sh to its end in the guest itself. Throws when any line fails. */
export function sh(script: string): string {
  return execFileSync('sh', ['-ec', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function onHost(host: Host, command: string, options: readonly string[]): readonly string[] {
  // `ip netns exec` replaces itself with the command.
  return host.name === '' ? [command, ...options] : ['ip', 'netns', 'exec', host.name, command, ...options];
}

function linkOf(host: Host): string {
  return `v-${host.name}`;
}
