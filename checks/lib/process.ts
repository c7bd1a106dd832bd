import { spawn } from 'node:child_process';

/** What a program said, standard output and error together, and its exit code: null when a signal ended it. */
export interface Finished {
  readonly code: number | null | 'aborted';
  readonly output: string;
}

/** Of a program's output; what comes after it is dropped. */
const keptCharacters = 16 * 1024;

/**
 * Runs a program found on PATH, without a shell, in the C locale, so that its words are the ones known here. Resolves
 * as soon as `signal` aborts, with what it has said by then, and kills it. Rejects with the spawn's error when it could not be started.
 */
export function execute(program: string, args: readonly string[], signal: AbortSignal): Promise<Finished> {
  if (signal.aborted) return Promise.resolve({ code: 'aborted', output: '' });
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (chunk: Buffer) => {
      if (output.length < keptCharacters) output += chunk;
    };
    const onAbort = () => {
      child.kill('SIGKILL');
      resolve({ code: 'aborted', output });
    };
    // Without descriptors left there are no pipes, and 'error' is all that comes.
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
    child.once('close', () => signal.removeEventListener('abort', onAbort));
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
