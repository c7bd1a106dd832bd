import type { Family } from '../core/address.ts';

/** What the rules of nftables do that IPVS depends on. Undefined: it cannot be told. */
export interface Ruleset {
  /** The marks that rules give packets of a family on arrival. */
  readonly marks: Readonly<Record<Family, ReadonlySet<number> | undefined>>;
  /** Chains of forwarded packets, as `inet filter forward`, that drop what connection tracking calls invalid. */
  readonly chainsThatDropInvalid: readonly string[];
  readonly isEmpty: boolean | undefined;
}

/** Reads what `nft -j list ruleset` prints (libnftables-json(5)). */
export function parseRuleset({ nftables = [] }: { readonly nftables?: readonly Entry[] }): Ruleset {
  const rules = nftables.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
  const chainsOf = (hook: string) => nftables.flatMap(({ chain }) => (chain?.hook === hook ? [chainName(chain)] : []));
  const dropping = new Set(rules.filter(dropsInvalid).map(chainOf));
  const onArrival = reachable(chainsOf('prerouting'), rules);
  const marking = rules.filter((rule) => onArrival.has(chainOf(rule)));
  return {
    marks: { ipv4: readMarks(marking, 'ip'), ipv6: readMarks(marking, 'ip6') },
    chainsThatDropInvalid: chainsOf('forward').filter((name) => dropping.has(name)),
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

/** These chains, and those that their rules jump to. */
function reachable(chains: readonly string[], rules: readonly Rule[]): ReadonlySet<string> {
  const found = new Set(chains);
  // A set that grows while it is walked is walked to its new end.
  for (const chain of found) {
    for (const rule of rules.filter((one) => chainOf(one) === chain)) {
      for (const name of jumpsOf(rule)) found.add(chainName({ ...rule, name }));
    }
  }
  return found;
}

/** Verdicts stand in a rule by themselves, or in the values of a map. */
function jumpsOf({ expr }: Rule): readonly string[] {
  const verdicts = (JSON.stringify(expr) ?? '').matchAll(/"(?:jump|goto)":\{"target":"([^"]+)"/g);
  return [...verdicts].flatMap(([, target]) => target ?? []);
}

/** Undefined where a rule sets a mark that it computes, or in a way that nftables cannot show. */
function readMarks(rules: readonly Rule[], family: 'ip' | 'ip6'): ReadonlySet<number> | undefined {
  const marks = new Set<number>();
  const ours = rules.filter((rule) => rule.family === family || rule.family === 'inet');
  for (const { mangle, xt } of ours.flatMap(({ expr = [] }) => expr)) {
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

function chainOf(rule: Rule): string {
  return chainName({ ...rule, name: rule.chain });
}

function chainName({ family, table, name }: { family: string; table: string; name: string }): string {
  return `${family} ${table} ${name}`;
}
