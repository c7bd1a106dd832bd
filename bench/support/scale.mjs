import { launch } from './peer.mjs';
import { serversAt, servicesOfHundred } from './settings.mjs';
import { clearTable, watchTable } from './table.mjs';

export const scale = 10_000;
export const services = servicesOfHundred(serversAt('10.1', scale));

/** Seldom enough that checking is not what is measured; keepalived's first checks are spread over a second as lvsd's are. */
export const setting = {
  services,
  check: { type: 'tcp', intervalMs: 60_000, timeoutMs: 1000, retryMs: 1000, fall: 2 },
  keepalived: 'warmup 1',
};

/** Starts a peer on an empty table and resolves when all rows are there, with how long that took. */
export async function startFull(peer, how = setting) {
  clearTable();
  const table = watchTable(services[0]);
  const running = launch(peer, how);
  const { atMs } = await table.reaches(({ servers }) => servers === scale, { fromMs: running.startedMs });
  return {
    running,
    table,
    tookMs: atMs - running.startedMs,
    async stop() {
      await running.stop();
      await table.stop();
    },
  };
}
