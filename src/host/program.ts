import { spawn } from 'node:child_process';
import { searchPath } from '../run/search-path.ts';

/** What a program said, and how it ended. */
export interface Finished {
  /** Null: a signal ended it. */
  readonly code: number | null;
  /** It was killed, as its time was up. */
  readonly isLate: boolean;
  readonly output: string;
  readonly complaint: string;
}

export interface RunOptions {
  /** Descriptor to read from. */
  readonly input?: number | undefined;
  readonly limitMs?: number;
}

/** What the kernel does for it takes no such time, however much it is. */
export const usualLimitMs = 30_000;

/** Runs a program without a shell, in the C locale. Rejects with the error of spawn(2) where it cannot be started. */
export function run(
  program: string,
  args: readonly string[],
  { input, limitMs = usualLimitMs }: RunOptions = {},
): Promise<Finished> {
  const env = { PATH: searchPath(process.env.PATH), LC_ALL: 'C' };
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: [input ?? 'ignore', 'pipe', 'pipe'] });
    // The process would wait for the `timeout` of spawn, which outlives a program that cannot be started.
    AbortSignal.timeout(limitMs).addEventListener('abort', () => child.kill('SIGKILL'));
    let output = '';
    let complaint = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      complaint += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, isLate: child.killed, output, complaint }));
  });
}
