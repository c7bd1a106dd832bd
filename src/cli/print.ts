import { fstatSync, writeFileSync } from 'node:fs';
import { exitCodes } from './exit.ts';

/**
 * Writes a result to stdout, all of it. Where that fails, says so on stderr and has the process end with 1; a reader that
 * has seen enough is no failure.
 */
export function print(text: string): void {
  if (isPlain()) printToFile(text);
  else process.stdout.write(text, complain);
}

/** Node's stream writes once to what is neither terminal, pipe nor socket: a disk that is nearly full takes a part, without an error. */
function isPlain(): boolean {
  const stats = fstatSync(1);
  return stats.isFile() || (stats.isCharacterDevice() && !process.stdout.isTTY);
}

function printToFile(text: string): void {
  try {
    writeFileSync(1, text);
  } catch (error) {
    complain(error as Error);
  }
}

function complain(error?: NodeJS.ErrnoException | null): void {
  if (!error || error.code === 'EPIPE') return;
  process.stderr.write(`Cannot write the result to stdout: ${error.message}\n`);
  process.exitCode = exitCodes.failed;
}
