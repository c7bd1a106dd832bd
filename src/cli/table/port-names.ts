import { readFileSync } from 'node:fs';
import type { Protocol } from '../../core/table.ts';

/** What /etc/services calls ports. The first line that fits counts, as with getservbyname(3). */
export interface PortNames {
  nameOf(port: number, protocol: Protocol): string | undefined;
  /** By name or alias. */
  numberOf(name: string, protocol: Protocol): number | undefined;
}

/** Reads the file once; where there is none, no port has a name. */
export function loadPortNames(path = '/etc/services'): PortNames {
  const lines = readLines(path).map((line) => line.replace(/#.*/, '').trim().split(/\s+/));
  const names = new Map<string, string>();
  const numbers = new Map<string, number>();
  for (const [name = '', place = '', ...aliases] of lines) {
    const [port, protocol] = place.split('/');
    if (!names.has(place)) names.set(place, name);
    for (const alias of [name, ...aliases].map((word) => `${word}/${protocol}`)) {
      if (!numbers.has(alias)) numbers.set(alias, Number(port));
    }
  }
  return {
    nameOf: (port, protocol) => names.get(`${port}/${protocol}`),
    numberOf: (name, protocol) => numbers.get(`${name}/${protocol}`),
  };
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}
