import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from './directory.ts';

const { O_RDONLY, O_NONBLOCK, O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;

/** The text of a regular file. Not blocking: to open a pipe would wait for its writer. Throws what the system says. */
export function readRegular(path: string): string {
  const file = openSync(path, O_RDONLY | O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) throw new Error('it is not a regular file');
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/**
 * Replaces a file (0600) as a whole: the old one or the new one is there at every instant. Makes the directory if it is
 * missing. Throws what the system says.
 */
export function replaceFile(directory: string, name: string, text: string): void {
  makeDirectory(directory);
  const path = join(directory, name);
  const temporary = `${path}.new`;
  const file = openSync(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  try {
    writeAll(file, text);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Where the device is nearly full, one write takes a part and says so by its length alone; the next one fails. */
function writeAll(file: number, text: string): void {
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
