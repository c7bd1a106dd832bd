import { readFileSync } from 'node:fs';
import { readModule } from './modules.ts';
import { look } from './programs.ts';

/** What the packet filter does that IPVS depends on. Undefined: it cannot be told. */
export interface Firewall {
  /** The marks that rules set. */
  readonly marks: ReadonlySet<number> | undefined;
  /** Chains of forwarded packets, as `inet filter forward`, that drop what connection tracking calls invalid. */
  readonly chainsThatDropInvalid: readonly string[];
  readonly isEmpty: boolean | undefined;
}

const unknown: Firewall = { marks: undefined, chainsThatDropInvalid: [], isEmpty: undefined };
const nothing: Firewall = { marks: new Set(), chainsThatDropInvalid: [], isEmpty: true };

/** Reads the ruleset of nftables, that of iptables over nftables included. Loads nothing. */
export async function readFirewall(): Promise<Firewall> {
  if (hasLegacyTables()) return unknown;
  const module = await readModule('nf_tables');
  // Asking would load it.
  if (module === 'loadable' || module === 'forbidden') return nothing;
  if (module !== 'present') return unknown;
  const ruleset = await look('nft', ['-j', 'list', 'ruleset']);
  if (!ruleset?.isSuccess) return unknown;
  try {
    return parseRuleset(JSON.parse(ruleset.stdout));
  } catch {
    return unknown;
  }
}

/** Reads what `nft -j list ruleset` prints (libnftables-json(5)). */
export function parseRuleset({ nftables = [] }: { readonly nftables?: readonly Entry[] }): Firewall {
  const rules = nftables.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
  const chains = nftables.flatMap(({ chain }) => (chain?.hook === 'forward' ? [chainName(chain)] : []));
  const dropping = new Set(rules.filter(dropsInvalid).map((rule) => chainName({ ...rule, name: rule.chain })));
  return {
    marks: readMarks(rules.flatMap(({ expr = [] }) => expr)),
    chainsThatDropInvalid: chains.filter((name) => dropping.has(name)),
    isEmpty: rules.length === 0,
  };
}

interface Entry {
  readonly chain?: { readonly family: string; readonly table: string; readonly name: string; readonly hook?: string };
  readonly rule?: Rule;
}

interface Rule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly expr?: readonly Expression[];
}

type Expression = Readonly<Record<string, unknown>>;

interface Mangle {
  readonly key: { readonly meta?: { readonly key: string } };
  readonly value: unknown;
}

/** Undefined where a rule sets a mark that it computes, or in a way that nftables cannot show. */
function readMarks(expressions: readonly Expression[]): ReadonlySet<number> | undefined {
  const marks = new Set<number>();
  for (const { mangle, xt } of expressions) {
    if ((xt as { name?: string } | undefined)?.name === 'MARK') return undefined;
    const { key, value } = (mangle ?? {}) as Partial<Mangle>;
    if (key?.meta?.key !== 'mark') continue;
    if (typeof value !== 'number') return undefined;
    marks.add(value);
  }
  return marks;
}

function dropsInvalid({ expr = [] }: Rule): boolean {
  const isInvalid = expr.some(({ match }) => {
    const { left, right } = (match ?? {}) as { left?: { ct?: { key: string } }; right?: unknown };
    return left?.ct?.key === 'state' && JSON.stringify(right).includes('"invalid"');
  });
  return isInvalid && expr.some((expression) => 'drop' in expression || 'reject' in expression);
}

function chainName({ family, table, name }: { family: string; table: string; name: string }): string {
  return `${family} ${table} ${name}`;
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
