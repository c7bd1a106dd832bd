import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from '@jest/globals';

/** `test`, or `test.skip` with a word of why where the program is not on PATH. */
export function testWith(program: string, debianPackage: string): typeof test | typeof test.skip {
  const isThere = (process.env.PATH ?? '').split(':').some((directory) => existsSync(join(directory, program)));
  if (isThere) return test;
  console.warn(`${program} is not installed (Debian: ${debianPackage}): what needs it is skipped`);
  return test.skip;
}
