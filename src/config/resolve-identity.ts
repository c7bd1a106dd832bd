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

function markIdentity(entry: ServiceEntry, mark: number, path: Path, problems: Problems): ServiceIdentity {
  if (entry.address !== undefined) {
    problems.add([...path, 'fwmark'], 'cannot be given beside address: a service is known by one of them');
  }
  if (entry.protocol !== undefined) {
    problems.add([...path, 'protocol'], 'does not apply to fwmark: a mark is put on packets of any protocol');
  }
  return { kind: 'fwmark', mark, family: entry.address_family ?? familyOfServers(entry) };
}

/** That of the servers where they agree. Where they do not, those of the other family are reported one by one. */
function familyOfServers({ servers }: ServiceEntry): Family {
  const families = new Set(present(servers, []).map(({ value }) => familyOf(value.address.address)));
  return families.size === 1 && families.has('ipv6') ? 'ipv6' : 'ipv4';
}
