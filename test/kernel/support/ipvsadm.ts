import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { sh } from './netns.ts';

export interface ListedService {
  /** `TCP 192.0.2.1:80`, `FWM 8` */
  readonly name: string;
  readonly scheduler: string;
  /** What stands behind the scheduler: `persistent 600`, `(sh-port)`. */
  readonly flags: string;
  readonly servers: readonly ListedServer[];
}

export interface ListedServer {
  readonly name: string;
  readonly forwarding: string;
  readonly weight: number;
  readonly active: number;
  readonly inactive: number;
}

/** The kernel's table by the witness of ipvsadm; with `options`, does that instead. */
export function ipvsadm(options: string): string {
  return sh(`ipvsadm ${options}`);
}

/** The table as commands that make it, `-A -t 192.0.2.1:80 -s rr`: one row each. */
export function savedRows(): readonly string[] {
  return ipvsadm('-S -n').split('\n').slice(0, -1);
}

/** Connections outlive their service: a server that is added again has the counts of those it had. Empties the table. */
export function forgetConnections(): void {
  ipvsadm('-C');
  sh("for module in $(lsmod | awk '/^ip_vs_/ { print $1 }') ip_vs; do rmmod $module 2>/dev/null || true; done");
}

export function listTable(): readonly ListedService[] {
  return parseListing(ipvsadm('-L -n'));
}

/** `172.16.100.10:80 Route 2` for each server of a service, in ipvsadm's order; undefined where there is no such service. */
export function serversOf(name: string, table = listTable()): readonly string[] | undefined {
  const service = table.find((one) => one.name === name);
  return service?.servers.map((server) => `${server.name} ${server.forwarding} ${server.weight}`);
}

function parseListing(listing: string): readonly ListedService[] {
  const services: (ListedService & { servers: ListedServer[] })[] = [];
  for (const line of listing.split('\n')) {
    const server = /^ {2}-> (\S+)\s+(\w+)\s+(\d+)\s+(\d+)\s+(\d+)\s*$/.exec(line);
    const service = /^(TCP|UDP|SCTP|FWM) +(\S+(?: IPv6)?) (\w+) ?(.*)$/.exec(line);
    if (server !== null) services.at(-1)?.servers.push(readServer(server));
    else if (service !== null) services.push(readService(service));
  }
  return services;
}

export interface Sampled {
  readonly samples: number;
  /** How many samples found the service without a server of a weight above 0, or found no service. */
  readonly empty: number;
  /** The longest time between two samples: what passed unseen. */
  readonly longestGapMs: number;
}

export interface Sampler {
  /** Each list of servers that followed another so far, as `172.16.100.10:80 2, 172.16.100.11:80 1`; `none`: no service. */
  readonly states: readonly string[];
  stop(): Promise<Sampled>;
}

/**
 * Looks at one service (`172.16.100.100:80`) every 20 ms, in a process of its own that the test cannot hold up. Reads the
 * kernel's listing in /proc, where ipvsadm would cost a process each time. Resolves when it looks.
 */
export async function startSampler(service: string): Promise<Sampler> {
  const child = spawn(process.execPath, [join(__dirname, 'sampler.mjs'), service], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const states: string[] = [];
  let totals: Sampled | undefined;
  lines.on('line', (text) => {
    const line = JSON.parse(text);
    if ('state' in line) states.push(line.state);
    else totals = line;
  });
  await once(lines, 'line');
  return {
    states,
    async stop() {
      child.stdin.end();
      await once(lines, 'close');
      if (totals === undefined) throw new Error('The sampler ended without a count');
      return totals;
    },
  };
}

function readServer([, name = '', forwarding = '', weight, active, inactive]: RegExpExecArray): ListedServer {
  return { name, forwarding, weight: Number(weight), active: Number(active), inactive: Number(inactive) };
}

function readService([, protocol, name, scheduler = '', flags = '']: RegExpExecArray): ListedService & {
  servers: ListedServer[];
} {
  return { name: `${protocol} ${name}`, scheduler, flags, servers: [] };
}
