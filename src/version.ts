import { readFileSync } from 'node:fs';

/** The version of this package. package.json lies above the compiled sources, and above the sources themselves. */
export const version: string = ['../package.json', '../../package.json'].flatMap(readVersion)[0] ?? 'unknown';

function readVersion(path: string): string[] {
  try {
    return [JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version];
  } catch {
    return [];
  }
}
