import { familyOf } from '../core/address.ts';
import type { Marking } from '../core/config.ts';
import { type ServiceIdentity, serviceFamily } from '../core/table.ts';
import { type Problems, present } from './context.ts';
import type { Path } from './issue.ts';
import type { ServiceEntry } from './service-schema.ts';

/** Which packets get the mark of the service. */
export function resolveMarks(
  entries: ServiceEntry['marks'],
  identity: ServiceIdentity,
  path: Path,
  problems: Problems,
): readonly Marking[] {
  if (entries === undefined) return [];
  if (identity.kind === 'address') problems.add(path, 'belongs to fwmark: a service by address needs no marks');
  const family = serviceFamily(identity);
  return present(entries, path).map(({ value, path: place }) => {
    const addresses = present(value.addresses, [...place, 'addresses']);
    for (const one of addresses) {
      if (identity.kind === 'fwmark' && familyOf(one.value) !== family)
        problems.add(one.path, `${one.value} cannot belong to a service of ${family === 'ipv6' ? 'IPv6' : 'IPv4'}`);
    }
    return {
      addresses: valuesOf(addresses),
      protocols: valuesOf(present(value.protocols, [])),
      ports: valuesOf(present(value.ports ?? [], [])),
    };
  });
}

function valuesOf<T>(located: readonly { readonly value: T }[]): readonly T[] {
  return located.map(({ value }) => value);
}
