import { readFileSync } from 'node:fs';
import type { Config } from '../core/config.ts';
import { HostError } from '../host/error.ts';
import { marksPlace } from '../host/marks.ts';
import { markRules } from '../host/plan-director.ts';
import { readModule } from './modules.ts';
import { look } from './programs.ts';
import { parseRuleset, type Ruleset } from './ruleset.ts';

/** What the packet filter does that IPVS depends on. Undefined: it cannot be told. */
export interface Firewall extends Ruleset {
  /** The table of `lvsd director up` marks what the configuration wants marked, and nothing else. */
  readonly isOwnTableSet: boolean | undefined;
}

const unknown: Ruleset = { marks: { ipv4: undefined, ipv6: undefined }, chainsThatDropInvalid: [], isEmpty: undefined };
const nothing: Ruleset = { marks: { ipv4: new Set(), ipv6: new Set() }, chainsThatDropInvalid: [], isEmpty: true };

/** Reads the ruleset of nftables, that of iptables over nftables included. Loads nothing that is known to be absent. */
export async function readFirewall(config: Config): Promise<Firewall> {
  const module = await readModule('nf_tables');
  // Asking would load it. What is built in is not always known to modprobe, so that all else is asked.
  const isAbsent = module === 'loadable' || module === 'forbidden';
  return {
    ...(hasLegacyTables() ? unknown : isAbsent ? nothing : await readRuleset()),
    isOwnTableSet: isAbsent ? false : await readOwnTable(config),
  };
}

async function readRuleset(): Promise<Ruleset> {
  const ruleset = await look('nft', ['-j', 'list', 'ruleset']);
  if (!ruleset?.isSuccess) return unknown;
  try {
    return parseRuleset(JSON.parse(ruleset.stdout));
  } catch {
    return unknown;
  }
}

async function readOwnTable({ services }: Config): Promise<boolean | undefined> {
  const rules = services.flatMap(markRules);
  if (rules.length === 0) return undefined;
  const place = marksPlace({ kind: 'marks', rules });
  try {
    return place.isSet(await place.read());
  } catch (error) {
    if (error instanceof HostError) return undefined;
    throw error;
  }
}

/** Rules of the old iptables are not among those of nftables; these files name the tables that it was used for. */
function hasLegacyTables(): boolean {
  return ['ip_tables_names', 'ip6_tables_names'].some((name) => {
    try {
      return readFileSync(`/proc/net/${name}`, 'utf8').trim() !== '';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EACCES';
    }
  });
}
