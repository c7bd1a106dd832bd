import { parentPort, workerData } from 'node:worker_threads';
import { ConfigError } from './issue.ts';
import { parseUnfrozen } from './load.ts';
import type { Loaded, Loading } from './load-apart.ts';
import { sendServers } from './pieces.ts';

const loaded = answer(workerData);
parentPort?.postMessage(loaded, 'servers' in loaded ? [loaded.servers] : []);

function answer({ text, path }: Loading): Loaded {
  try {
    return sendServers(parseUnfrozen(text, path));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { issues: error.issues };
  }
}
