import { execFile } from 'node:child_process';
import { searchPath } from '../run/search-path.ts';

/** What a program printed, and whether it ended well; undefined where there is no such program. */
export interface Outcome {
  readonly isSuccess: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program that only looks, without a shell. It may be one for root, outside the search path of others. */
export function look(program: string, args: readonly string[]): Promise<Outcome | undefined> {
  const env = { PATH: searchPath(process.env.PATH), LC_ALL: 'C' };
  const options = { timeout: limitMs, maxBuffer: largestOutputBytes, env };
  return new Promise((resolve) => {
    execFile(program, [...args], options, (error, stdout, stderr) => {
      const isMissing = error?.code === ('ENOENT' as unknown);
      resolve(isMissing ? undefined : { isSuccess: error === null, stdout, stderr });
    });
  });
}

const limitMs = 10_000;
/** A ruleset may be large. */
const largestOutputBytes = 64 * 1024 * 1024;
