import { writeFileSync } from 'node:fs';
import { lvsd } from '../peers/lvsd.mjs';
import { serverside } from '../support/network.mjs';
import { scale, setting, startFull } from '../support/scale.mjs';
import { sum, untilScrape } from '../support/scrape.mjs';
import { startServers } from '../support/servers.mjs';
import { folder, nowMs, sh, times } from '../support/shell.mjs';

/** Long enough that a flush between two looks is noticed by one of them, and its repair ends before the next. */
const reconcileMs = 15_000;

export const flush = {
  name: 'flush',
  where: 'guest',
  title: 'Ten thousand rows back after `ipvsadm -C`',
  method: `A hundred services of a hundred servers; three times each. lvsd looks each ${reconcileMs / 1000} s here and finds the table empty; what counts are its runs from then on, by its own \`lvsd_reconcile_duration_seconds\`: reading, comparing and writing. Beside it, how long \`ipvsadm -R\` takes for the same rows, from its start to its end. keepalived does not notice.`,
  goals: [{ figure: 'until all rows are back, ms', column: 'lvsd', atMost: 0.5, of: 'ipvsadm -R' }],

  async measure(columns) {
    const servers = await startServers({ namespace: serverside });
    const full = await startFull(lvsd, { ...setting, lvsd: { agent: { reconcile_interval: `${reconcileMs}ms` } } });
    const saved = `${folder}/rows`;
    writeFileSync(saved, sh('ipvsadm -S -n'));
    const figures = { 'until all rows are back, ms': await times(3, () => repair(full.table)) };
    await full.running.stop();
    const restored = await times(3, () => restore(saved));
    await full.table.stop();
    await servers.kill();
    columns.lvsd = { figures };
    columns['ipvsadm -R'] = { figures: { 'until all rows are back, ms': restored } };
  },
};

async function repair(table) {
  const before = await untilScrape((samples) => runs(samples) > 0);
  // A look that has just ended leaves time for what follows.
  const start = await untilScrape((samples) => runs(samples) > runs(before));
  sh('ipvsadm -C');
  const clearedMs = nowMs();
  const emptied = await table.reaches(({ servers }) => servers === 0, { fromMs: clearedMs });
  await table.reaches(({ servers }) => servers === scale, { fromMs: emptied.atMs });
  const end = await untilScrape((samples) => runs(samples) > runs(start));
  return (spentSeconds(end) - spentSeconds(start)) * 1000;
}

function restore(saved) {
  sh('ipvsadm -C');
  const startMs = nowMs();
  sh(`ipvsadm -R < ${saved}`);
  return nowMs() - startMs;
}

function runs(samples) {
  return sum(samples, 'lvsd_reconcile_duration_seconds_count');
}

function spentSeconds(samples) {
  return sum(samples, 'lvsd_reconcile_duration_seconds_sum');
}
