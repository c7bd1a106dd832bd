import { setImmediate as afterPoll } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Config, Server } from '../core/config.ts';
import { share } from '../core/share.ts';
import { freeze } from './freeze.ts';
import { ConfigError, type Issue } from './issue.ts';
import { type Parcel, receiveServers } from './pieces.ts';
import { readConfigText } from './read.ts';
import { type Known, type Remainder, remainderOf } from './remainder.ts';

/** What the thread is told. */
export interface Loading {
  readonly text: string;
  readonly path: string;
}

/** What it answers. */
export type Loaded = Parcel | { readonly issues: readonly Issue[] };

/** So much text is read within some 50 ms; a thread costs more than that to start. */
const smallLength = 16 * 1024;

/** Resolves with the configuration that is in the file now. Rejects with `ConfigError`. */
export type ReadConfig = () => Promise<Config>;

/**
 * Reads a file as `loadConfig` does: at once, for the one who asks first, and then each time it is asked to. Of a large
 * file it reads only the services that changed; where that cannot be, all of it in a thread of its own: 10,000 servers
 * take half a second and more memory than all the rest of the agent, and meanwhile nobody would be probed. What the
 * thread took goes with it; the reader that services are read with stays.
 */
export function createConfigReader(path: string, startThread = startLoading): ReadConfig {
  let known: Known | undefined;
  const read = async () => {
    const text = await readConfigText(path);
    const config = await load({ text, path }, known, startThread);
    known = text.length > smallLength ? { text, config } : undefined;
    return config;
  };
  let ahead: Promise<Config> | undefined = read();
  // A mistake is for the one who asks; until then the process must not end of it.
  ahead.catch(() => {});
  return () => {
    const reading = ahead ?? read();
    ahead = undefined;
    return reading;
  };
}

async function load(loading: Loading, known: Known | undefined, startThread: typeof startLoading): Promise<Config> {
  if (loading.text.length <= smallLength) return loadHere(loading);
  const remainder = known && remainderOf(loading.text, known);
  const config = remainder && (await loadRemainder(remainder));
  await afterPoll();
  if (config !== undefined) return config;
  const thread = start(loading, startThread);
  return thread === undefined ? loadHere(loading) : takeOver(thread, known?.config);
}

async function loadHere({ text, path }: Loading): Promise<Config> {
  return (await import('./load.ts')).parseConfig(text, path);
}

async function loadRemainder(remainder: Remainder): Promise<Config | undefined> {
  if (remainder.text.length > smallLength) return undefined;
  // One after the other, for each takes as long as may pass between two looks at the sockets.
  await import('./yaml.ts');
  await afterPoll();
  await import('./schema.ts');
  await afterPoll();
  return (await import('./load-again.ts')).parseRemainder(remainder, afterPoll);
}

/** What did not change stays the same object, so that a configuration is not in memory twice. */
async function takeOver(thread: Worker, before: Config | undefined): Promise<Config> {
  const loaded = await answerOf(thread);
  if ('issues' in loaded) throw new ConfigError(loaded.issues);
  await afterPoll();
  const known = before?.services.map(({ servers }) => servers);
  const shareServer = (server: Server, service: number, index: number) =>
    share(known?.[service]?.[index], freeze(server));
  const config = await receiveServers(loaded, shareServer, afterPoll);
  await afterPoll();
  return share(before, freeze(config));
}

function startLoading(loading: Loading): Worker {
  return new Worker(new URL('./load-thread.js', import.meta.url), { workerData: loading });
}

/** Where there may be no more threads (EAGAIN by a limit of tasks), a late probe is better than no configuration. */
function start(loading: Loading, startThread: typeof startLoading): Worker | undefined {
  try {
    return startThread(loading);
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
