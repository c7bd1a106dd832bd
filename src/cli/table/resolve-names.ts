import { lookupService } from 'node:dns/promises';
import type { Names } from '../../kernel/text/names.ts';
import { loadPortNames } from './port-names.ts';

/** The names of these addresses, as far as the system's resolver knows them, and those of all ports. */
export async function resolveNames(addresses: Iterable<string>): Promise<Names> {
  const hosts = new Map(await Promise.all([...new Set(addresses)].map(nameOf)));
  const { nameOf: port } = loadPortNames();
  return { host: (address) => hosts.get(address), port };
}

async function nameOf(address: string): Promise<readonly [string, string | undefined]> {
  try {
    return [address, (await lookupService(address, 0)).hostname];
  } catch {
    // It has none, or nobody answers who would know: the address says as much.
    return [address, undefined];
  }
}
