import { readFileSync, writeFileSync } from 'node:fs';
import { folder, until } from './shell.mjs';

const path = `${folder}/holds`;

/** What lvsd is to be run with for `watchHolds`, as flags of Node. */
export const holdFlags = ['--import', new URL('./preload-holds.mjs', import.meta.url).pathname];

/** Asks a process that runs with `holdFlags` for how long its loop was held at most since it was last asked, ms. */
export function watchHolds(pid) {
  const samples = () => readFileSync(path, 'utf8').trim().split('\n').filter(Boolean).map(Number);
  writeFileSync(path, '');
  return async () => {
    const before = samples().length;
    process.kill(pid, 'SIGUSR2');
    return until(() => samples()[before], 10_000);
  };
}
