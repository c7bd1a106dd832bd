import { ipToBytes } from '../../core/address.ts';
import { serviceFamily, type Table, type TableServer, type TableService } from '../../core/table.ts';
import { families, protocols } from '../numbers.ts';

/** The services in ipvsadm's order: marks last, then by family, protocol, address and port. */
export function sortServices(table: Table): readonly TableService[] {
  return sortBy([...table.values()], ({ identity }) => {
    const family = families[serviceFamily(identity)];
    if (identity.kind === 'fwmark') return [identity.mark, family];
    return [0, family, protocols[identity.protocol], ...addressWords(identity.address), identity.port];
  });
}

/** The servers of a service in ipvsadm's order: by address, of whichever family, and port. */
export function sortServers({ servers }: TableService): readonly TableServer[] {
  return sortBy([...servers.values()], ({ address, port }) => [...addressWords(address), port]);
}

function sortBy<T>(rows: readonly T[], numbersOf: (row: T) => readonly number[]): readonly T[] {
  return mergeSort(rows.map((row) => ({ row, numbers: numbersOf(row) }))).map(({ row }) => row);
}

interface Keyed<T> {
  readonly row: T;
  readonly numbers: readonly number[];
}

/**
 * Halves, sorts and merges as glibc's qsort does. What it is given to compare by goes in circles (see below), and so the
 * result depends on which pairs are compared.
 */
function mergeSort<T>(rows: readonly Keyed<T>[]): readonly Keyed<T>[] {
  if (rows.length < 2) return rows;
  const middle = rows.length >> 1;
  const left = mergeSort(rows.slice(0, middle));
  const right = mergeSort(rows.slice(middle));
  const merged: Keyed<T>[] = [];
  let taken = 0;
  for (const row of right) {
    for (let next = left[taken]; next !== undefined && compare(next, row) <= 0; next = left[taken]) {
      merged.push(next);
      taken += 1;
    }
    merged.push(row);
  }
  return [...merged, ...left.slice(taken)];
}

/**
 * ipvsadm orders 32-bit numbers by their difference in a signed int, which wraps: 192.0.2.1 comes before 10.0.0.1, and
 * 10.0.0.1 before 100.0.0.1 before 192.0.2.1.
 */
function compare<T>(a: Keyed<T>, b: Keyed<T>): number {
  for (const [index, value] of a.numbers.entries()) {
    const difference = (value - (b.numbers[index] ?? 0)) | 0;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The address in four 32-bit numbers; of IPv4, the first. */
function addressWords(address: string): readonly number[] {
  const bytes = Buffer.alloc(16);
  bytes.set(ipToBytes(address));
  return [0, 4, 8, 12].map((offset) => bytes.readUInt32BE(offset));
}
