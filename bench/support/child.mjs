import { spawn } from 'node:child_process';
import { once } from 'node:events';

const children = new Set();

/** Starts a program; `end(signal)` resolves when it has ended, if need be by force after a minute. */
export function start([program, ...options], stdio) {
  const child = spawn(program, options, { stdio });
  const ended = once(child, 'exit').finally(() => children.delete(entry));
  const end = async (signal = 'SIGTERM') => {
    child.kill(signal);
    const killing = setTimeout(() => child.kill('SIGKILL'), 60_000);
    await ended;
    clearTimeout(killing);
  };
  const entry = { child, end };
  children.add(entry);
  return entry;
}

/** Ends what a scene that failed has left. */
export async function endAll() {
  await Promise.all([...children].map(({ end }) => end()));
}
