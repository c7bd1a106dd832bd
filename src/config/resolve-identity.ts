import { type Family, familyOf } from '../core/address.ts';
import type { ServiceIdentity } from '../core/table.ts';
import { type Context, type Problems, present } from './context.ts';
import type { Path } from './issue.ts';
import type { ServiceEntry } from './service-schema.ts';

/** What the kernel will know the service by; undefined where the file does not tell. */
export function resolveIdentity(
  entry: ServiceEntry,
  path: Path,
  { defaults, problems }: Pick<Context, 'defaults' | 'problems'>,
): ServiceIdentity | undefined {
  if (entry.fwmark !== undefined) return markIdentity(entry, entry.fwmark, path, problems);
  if (entry.address === undefined) {
    problems.add(path, 'has no address: write address: IP:PORT, or fwmark: NUMBER');
    return undefined;
  }
  if (entry.address_family !== undefined) {
    problems.add([...path, 'address_family'], 'belongs to fwmark: the family of an address shows');
  }
  if (entry.address.port === 0 && entry.persistence === undefined) {
    problems.add([...path, 'address'], 'port 0, which is every port, needs persistence');
  }
  return { kind: 'address', protocol: entry.protocol ?? defaults.protocol, ...entry.address };
}

function markIdentity(entry: ServiceEntry, mark: number, path: Path, problems: Problems): ServiceIdentity | undefined {
  if (entry.address !== undefined) {
    problems.add([...path, 'fwmark'], 'cannot be given beside address: a service is known by one of them');
  }
  if (entry.protocol !== undefined) {
    problems.add([...path, 'protocol'], 'does not apply to fwmark: a mark is put on packets of any protocol');
  }
  const family = entry.address_family ?? familyOfServers(entry);
  if (family !== undefined) return { kind: 'fwmark', mark, family };
  problems.add(
    path,
    'has servers of both families: say by address_family which packets are meant, and reach the others by forwarding tun',
  );
  return undefined;
}

/** Undefined where they do not agree. */
function familyOfServers({ servers }: ServiceEntry): Family | undefined {
  const [first = 'ipv4', ...others] = new Set(present(servers, []).map(({ value }) => familyOf(value.address.address)));
  return others.length === 0 ? first : undefined;
}
