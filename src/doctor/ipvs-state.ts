import { readFileSync } from 'node:fs';

/** The kernel's IPVS by its listing in /proc, which loads no module. */
export interface IpvsState {
  readonly isPresent: boolean;
  /** Connections of every service now, those that wait for their end included. */
  readonly connections: number;
  /** Chains of the table of connections; 0 where it is not told. */
  readonly tableSize: number;
  /** Those of the services that are there. */
  readonly schedulers: ReadonlySet<string>;
}

export function readIpvs(): IpvsState {
  try {
    return parseListing(readFileSync('/proc/net/ip_vs', 'utf8'));
  } catch (error) {
    // Only root may read it, but anybody sees that it is there.
    const isPresent = (error as NodeJS.ErrnoException).code === 'EACCES';
    return { isPresent, connections: 0, tableSize: 0, schedulers: new Set() };
  }
}

/** `ip_vs_info_seq_show` of net/netfilter/ipvs/ip_vs_ctl.c. */
export function parseListing(listing: string): IpvsState {
  const counts = [...listing.matchAll(/^ {2}-> \[?[\dA-Fa-f:]+\]?:[\dA-F]{4} .* (\d+) +(\d+) *$/gm)];
  return {
    isPresent: true,
    connections: counts.reduce((sum, [, active, inactive]) => sum + Number(active) + Number(inactive), 0),
    tableSize: Number(/\(size=(\d+)\)/.exec(listing)?.[1] ?? 0),
    schedulers: new Set([...listing.matchAll(/^(?:TCP|UDP|SCTP|FWM) +\S+ +(\w+)/gm)].map(([, name = '']) => name)),
  };
}
