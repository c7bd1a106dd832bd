import { followLog } from '../support/log.mjs';
import { nativeSetting, startUp, untilAllUp } from '../support/native.mjs';
import { sum, untilScrape } from '../support/scrape.mjs';
import { startServers } from '../support/servers.mjs';
import { nowMs, sleep, times, until } from '../support/shell.mjs';

const scale = 10_000;
const setting = nativeSetting(scale, { type: 'tcp', intervalMs: 5000, timeoutMs: 1000, retryMs: 1000, fall: 2 });
const settleMs = 3000;

export const outage = {
  name: 'outage',
  where: 'native',
  title: 'Ten thousand servers down at once, table in memory',
  method:
    'All servers refuse connections from one moment on; three times. Checks each 5 s, down with the second failure, a second after the first. The last verdict is that of the log; that all rows have left is read from /metrics, which adds up to a second.',
  goals: [{ figure: 'last verdict to last row leaving, ms', column: 'lvsd', atMost: 2000 }],

  async measure(columns) {
    let servers = await startServers();
    const running = await startUp(setting);
    const downs = followLog(running.logPath, 'server_down');
    const samples = await times(3, async () => {
      await untilAllUp(setting);
      await sleep(settleMs);
      const seen = downs.read().length;
      const before = rowsGone(await untilScrape(() => true));
      await servers.kill();
      const killedMs = nowMs();
      await until(() => downs.read().length - seen >= scale, 60_000);
      await untilScrape((now) => rowsGone(now) - before >= scale);
      const goneMs = nowMs();
      const verdictMs = downs
        .read()
        .slice(seen)
        .reduce((last, atMs) => Math.max(last, atMs), 0);
      servers = await startServers();
      return { verdict: verdictMs - killedMs, leaving: goneMs - verdictMs };
    });
    downs.close();
    await running.stop();
    await servers.kill();
    const figures = {
      'death to last verdict, ms': samples.map(({ verdict }) => verdict),
      'last verdict to last row leaving, ms': samples.map(({ leaving }) => leaving),
    };
    columns.lvsd = { figures };
  },
};

function rowsGone(samples) {
  return sum(samples, 'lvsd_ipvs_operations_total', 'operation="del_server",result="ok"');
}
