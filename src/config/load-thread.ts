import { parentPort, workerData } from 'node:worker_threads';
import { ConfigError } from './issue.ts';
import { loadConfig } from './load.ts';
import type { Loaded } from './load-apart.ts';

parentPort?.postMessage(await answer(String(workerData)));

async function answer(path: string): Promise<Loaded> {
  try {
    return { config: await loadConfig(path) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { issues: error.issues };
  }
}
