import { familyOf, ipToBytes } from '../core/address.ts';
import type { Marking, PortRange, Service } from '../core/config.ts';
import type { Located, Problems } from './context.ts';

/** Refuses packets that two services would mark: the later mark would replace the earlier. */
export function refuseContestedMarks(services: readonly Located<Service>[], problems: Problems): void {
  const marked = services.filter(({ value }) => value.marks.length > 0);
  for (const [index, { value: later, path }] of marked.entries()) {
    for (const { value: earlier, path: place } of marked.slice(0, index)) {
      const packets = contested(earlier.marks, later.marks);
      if (packets === undefined) continue;
      problems.add(
        [...path, 'marks'],
        `${packets} get the mark of ${earlier.name} already: see ${problems.place(place)}`,
      );
    }
  }
}

/** Whether any address belongs to both; addresses are prefixes too. */
export function doPrefixesMeet(a: string, b: string): boolean {
  if (familyOf(a) !== familyOf(b)) return false;
  const [one, other] = [bitsOf(a), bitsOf(b)];
  const shared = Math.min(one.length, other.length);
  return one.slice(0, shared) === other.slice(0, shared);
}

/** The first packets that both mean, such as `packets to 192.0.2.1 by tcp`. */
function contested(earlier: readonly Marking[], later: readonly Marking[]): string | undefined {
  for (const a of earlier) {
    for (const b of later) {
      const protocol = a.protocols.find((one) => b.protocols.includes(one));
      if (protocol === undefined || !doPortsMeet(a.ports, b.ports)) continue;
      const address = b.addresses.find((one) => a.addresses.some((other) => doPrefixesMeet(one, other)));
      if (address !== undefined) return `packets to ${address} by ${protocol}`;
    }
  }
  return undefined;
}

/** No range: every port. */
function doPortsMeet(a: readonly PortRange[], b: readonly PortRange[]): boolean {
  if (a.length === 0 || b.length === 0) return true;
  return a.some(([first, last]) => b.some(([otherFirst, otherLast]) => first <= otherLast && otherFirst <= last));
}

/** `192.0.2.0/24` as its 24 binary digits. */
function bitsOf(prefix: string): string {
  const [address = '', length] = prefix.split('/');
  const digits = [...ipToBytes(address)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return length === undefined ? digits : digits.slice(0, Number(length));
}
