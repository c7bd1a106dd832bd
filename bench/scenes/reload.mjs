import { keepalived } from '../peers/keepalived.mjs';
import { lvsd } from '../peers/lvsd.mjs';
import { serverside } from '../support/network.mjs';
import { services, setting, startFull } from '../support/scale.mjs';
import { opsDone, untilScrape } from '../support/scrape.mjs';
import { startServers } from '../support/servers.mjs';
import { withWeight } from '../support/settings.mjs';
import { sleep, times } from '../support/shell.mjs';

const settleMs = 5000;

export const reload = {
  name: 'reload',
  where: 'guest',
  title: 'A changed weight among 10,000 servers',
  method:
    "A hundred services of a hundred servers. One server of the first service is given another weight in the file, three times; from SIGHUP until the kernel has the weight. The changes asked of the kernel are by lvsd's own `lvsd_ipvs_operations_total`.",
  goals: [
    { figure: 'SIGHUP to the kernel having it, ms', column: 'lvsd', atMost: 0.2, of: 'keepalived' },
    { figure: 'changes asked of the kernel', column: 'lvsd', atMost: 1 },
  ],

  async measure(columns) {
    const servers = await startServers({ namespace: serverside });
    columns.lvsd = await reloads(lvsd, opsOfLvsd);
    columns.keepalived = await reloads(keepalived);
    await servers.kill();
  },
};

async function reloads(peer, countOps = async () => Number.NaN) {
  const { running, table, stop } = await startFull(peer);
  await sleep(settleMs);
  const samples = await times(3, async (turn) => {
    const opsBefore = await countOps();
    const signalledMs = running.reload({ ...setting, services: withWeight(services, turn + 2) });
    const wanted = services[0].servers.length + turn + 1;
    const { atMs } = await table.reaches(({ weight }) => weight === wanted, { fromMs: signalledMs });
    await sleep(settleMs);
    return { tookMs: atMs - signalledMs, ops: (await countOps()) - opsBefore };
  });
  await stop();
  return {
    figures: {
      'SIGHUP to the kernel having it, ms': samples.map(({ tookMs }) => tookMs),
      'changes asked of the kernel': samples.map(({ ops }) => ops).filter(Number.isFinite),
    },
  };
}

/** By its own count. */
async function opsOfLvsd() {
  return opsDone(await untilScrape(() => true));
}
