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
    "All servers refuse connections from one moment on, the end of their process; three times. Checks each 5 s, down with the second failure, a second after the first. The kernel refuses probes then, and no server sees which was the last to fail. The time of the last verdict is that of the last `server_down` line in lvsd's log: it is written after the decision, and the table may have been told of that before the line, so `last verdict to last row leaving` leaves out what lvsd did before that line: since the decision it was longer. That all rows have left is by lvsd's own /metrics, which adds up to a second. `death to last row leaving` rests on no line of the log; it has in it the up to 6 s, and the jitter, by which the last probe to fail comes after the death.",
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
      'death to last row leaving, ms': samples.map(({ verdict, leaving }) => verdict + leaving),
      'death to last verdict, ms': samples.map(({ verdict }) => verdict),
      'last verdict to last row leaving, ms': samples.map(({ leaving }) => leaving),
    };
    columns.lvsd = { figures };
  },
};

function rowsGone(samples) {
  return sum(samples, 'lvsd_ipvs_operations_total', 'operation="del_server",result="ok"');
}
