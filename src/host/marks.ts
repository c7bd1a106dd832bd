import { applyNft, listNft, type NftDocument } from './nft.ts';
import type { MarkRule, MarksSetting, Place } from './setting.ts';

const table = { family: 'inet', name: 'lvsd' } as const;
const chainName = 'prerouting';
/** NF_IP_PRI_MANGLE: before IPVS, which takes packets where they would enter this host. */
const priority = -150;

/**
 * A table of our own, replaced as a whole in one transaction. What is compared is what nft lists: rules are written as it
 * lists them.
 */
export function marksPlace({ rules }: MarksSetting): Place {
  const wanted = serialize(contentOf(rules));
  return {
    read: async () => {
      const listing = await list();
      return listing === undefined ? {} : { content: serialize(listing) };
    },
    isSet: (found) => found.content === wanted,
    conflict: (found) =>
      found.content === undefined || found.content === wanted
        ? undefined
        : `Cannot mark packets as nftables has a table inet ${table.name} that nothing tells to be ours: rename or delete it`,
    set: () => replace(wanted),
    restore: async (before) => {
      if (before.content !== undefined) await replace(before.content);
      else if ((await list()) !== undefined) await applyNft([{ delete: { table } }]);
      return undefined;
    },
  };
}

type Entries = NftDocument['nftables'];

/** Undefined: there is no such table. */
async function list(): Promise<Entries | undefined> {
  const { nftables } = await listNft('tables', table.family);
  if (!nftables.some((entry) => entry.table?.name === table.name)) return undefined;
  return (await listNft('table', table.family, table.name)).nftables;
}

/** To add a table that is there changes nothing, so that it can always be deleted. */
async function replace(content: string): Promise<void> {
  const entries: Entries = JSON.parse(content);
  const fresh = [{ add: { table } }, { delete: { table } }, { add: { table } }];
  await applyNft([...fresh, ...entries.map((entry) => ({ add: entry }))]);
}

/** What is in the table, in an order of its own: without handles, which are the kernel's. */
function serialize(entries: Entries): string {
  const content = entries.filter((entry) => entry.metainfo === undefined && entry.table === undefined);
  return JSON.stringify(content, (key, value) => {
    if (key === 'handle') return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function contentOf(rules: readonly MarkRule[]): Entries {
  const place = { family: table.family, table: table.name };
  const chain = { ...place, name: chainName, type: 'filter', hook: 'prerouting', prio: priority, policy: 'accept' };
  const entries = rules.map((rule) => ({
    rule: { ...place, chain: chainName, comment: rule.service, expr: exprOf(rule) },
  }));
  return [{ chain }, ...entries];
}

function exprOf({ family, addresses, protocol, ports, mark }: MarkRule): readonly object[] {
  const address = { payload: { protocol: family === 'ipv6' ? 'ip6' : 'ip', field: 'daddr' } };
  const match = (left: object, values: readonly unknown[]) => ({
    match: { op: '==', left, right: values.length === 1 ? values[0] : { set: values } },
  });
  return [
    match(address, addresses.map(addressValue)),
    ports.length === 0
      ? match({ meta: { key: 'l4proto' } }, [protocol])
      : match({ payload: { protocol, field: 'dport' } }, ports.map(portValue)),
    { mangle: { key: { meta: { key: 'mark' } }, value: mark } },
  ];
}

function addressValue(address: string): unknown {
  const [addr, length] = address.split('/');
  return length === undefined ? addr : { prefix: { addr, len: Number(length) } };
}

function portValue([first, last]: readonly [number, number]): unknown {
  return first === last ? first : { range: [first, last] };
}
