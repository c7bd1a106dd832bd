import { parentPort, workerData } from 'node:worker_threads';
import { ConfigError } from './issue.ts';
import { parseUnfrozen } from './load.ts';
import type { Loaded, Loading } from './load-apart.ts';

parentPort?.postMessage(answer(workerData));

function answer({ text, path }: Loading): Loaded {
  try {
    return { config: parseUnfrozen(text, path) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { issues: error.issues };
  }
}
