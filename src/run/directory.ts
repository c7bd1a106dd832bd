import { mkdirSync } from 'node:fs';

/**
 * Makes a directory (0750) if it is missing. The last level only: mkdir of Node, told to make all levels, does not come
 * back from some paths below /proc. Throws what the system says.
 */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o750 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
