import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

const children = new Set();

/**
 * Starts a program; `end(signal)` resolves when it has ended, if need be by force after a minute, with its exit status, as a
 * shell has it.
 */
export function start([program, ...options], stdio) {
  const child = spawn(program, options, { stdio });
  const ended = once(child, 'exit').finally(() => children.delete(entry));
  const end = async (signal = 'SIGTERM') => {
    child.kill(signal);
    const killing = setTimeout(() => child.kill('SIGKILL'), 60_000);
    const [code, killer] = await ended;
    clearTimeout(killing);
    return code ?? 128 + constants.signals[killer];
  };
  const entry = { child, end };
  children.add(entry);
  return entry;
}

/** Ends what a scene that failed has left. */
export async function endAll() {
  await Promise.all([...children].map(({ end }) => end()));
}
