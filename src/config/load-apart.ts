import { stat } from 'node:fs/promises';
import { setImmediate as afterPoll } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Config } from '../core/config.ts';
import { freeze } from './freeze.ts';
import { ConfigError, type Issue } from './issue.ts';

/** What the thread answers. */
export type Loaded = { readonly config: Config } | { readonly issues: readonly Issue[] };

/** A file of so many bytes is read within some 50 ms; a thread costs more than that to start. */
const smallBytes = 16 * 1024;

/**
 * As `loadConfig`, a large file in a thread of its own: 10,000 servers take most of a second and more memory than all
 * the rest of the agent, and meanwhile nobody would be probed. What the thread took goes with it.
 */
export async function loadConfigApart(path: string, startThread = startLoading): Promise<Config> {
  // What is wrong with a file that cannot be looked at, `loadConfig` says.
  const bytes = await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
  const thread = bytes > smallBytes ? start(path, startThread) : undefined;
  if (thread === undefined) return (await import('./load.ts')).loadConfig(path);
  const loaded = await answerOf(thread);
  // To take it over from the thread was as much as may be done at a time.
  await afterPoll();
  if ('issues' in loaded) throw new ConfigError(loaded.issues);
  return freeze(loaded.config);
}

function startLoading(path: string): Worker {
  return new Worker(new URL('./load-thread.js', import.meta.url), { workerData: path });
}

/** Where there may be no more threads (EAGAIN by a limit of tasks), a late probe is better than no configuration. */
function start(path: string, startThread: typeof startLoading): Worker | undefined {
  try {
    return startThread(path);
  } catch {
    return undefined;
  }
}

function answerOf(thread: Worker): Promise<Loaded> {
  return new Promise((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', (code) => reject(new Error(`the thread that reads it ended with ${code} and no answer`)));
  });
}
