import { keepalived } from '../peers/keepalived.mjs';
import { lvsd } from '../peers/lvsd.mjs';
import { shown } from '../report/figures.mjs';
import { followLog } from '../support/log.mjs';
import { serverside } from '../support/network.mjs';
import { setting as seldom, startFull } from '../support/scale.mjs';
import { startServers } from '../support/servers.mjs';
import { nowMs, sleep } from '../support/shell.mjs';

/** Ten thousand checks in so long are within the means of both on an emulated processor. */
const intervalMs = 30_000;
const setting = { ...seldom, check: { ...seldom.check, intervalMs } };
const untilGone = 'death to last row leaving, ms';
const settleMs = 5000;

export const outageGuest = {
  name: 'outage-guest',
  where: 'guest',
  title: 'Ten thousand servers down at once, table of the kernel',
  method:
    "All servers refuse connections from one moment on, the end of their process; once for each peer. Checks each 30 s, down with the second failure, a second after the first. Rows are the kernel's. The kernel refuses probes then, and no server sees which was the last to fail: the time of the last verdict is that of the last `server_down` line in lvsd's log: it is written after the decision, and the table may have been told of that before the line, so `last verdict to last row leaving` leaves out what lvsd did before that line: since the decision it was longer. `death to last row leaving` rests on no log.",

  note({ lvsd: { figures } = {} }) {
    if (figures === undefined) return undefined;
    const seconds = (ms) => shown(ms / 1000);
    return `There is one sample a peer. lvsd spreads its probes over the whole interval: the last server is first found dead up to ${seconds(intervalMs)} s after the death, jitter aside, and again ${seconds(setting.check.retryMs)} s later, so up to ${seconds(intervalMs + setting.check.retryMs)} s of its ${seconds(figures[untilGone][0])} s are the wait for the probes.`;
  },

  async measure(columns) {
    columns.lvsd = { figures: await measureOutage(lvsd) };
    columns.keepalived = { figures: await measureOutage(keepalived) };
  },
};

async function measureOutage(peer) {
  const servers = await startServers({ namespace: serverside });
  const { running, table, stop } = await startFull(peer, setting);
  await sleep(settleMs);
  const downs = peer === lvsd ? followLog(running.logPath, 'server_down') : undefined;
  await servers.kill();
  const killedMs = nowMs();
  const gone = await table.reaches((change) => change.servers === 0, { fromMs: killedMs });
  await sleep(1000);
  const figures = { [untilGone]: [gone.atMs - killedMs] };
  if (downs !== undefined) figures['last verdict to last row leaving, ms'] = [gone.atMs - Math.max(...downs.read())];
  await stop();
  return figures;
}
