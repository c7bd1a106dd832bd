import { keepalived } from '../peers/keepalived.mjs';
import { lvsd } from '../peers/lvsd.mjs';
import { followLog } from '../support/log.mjs';
import { serverside } from '../support/network.mjs';
import { setting as seldom, startFull } from '../support/scale.mjs';
import { startServers } from '../support/servers.mjs';
import { nowMs, sleep } from '../support/shell.mjs';

/** Ten thousand checks in so long are within the means of both on an emulated processor. */
const setting = { ...seldom, check: { ...seldom.check, intervalMs: 30_000 } };
const settleMs = 5000;

export const outageGuest = {
  name: 'outage-guest',
  where: 'guest',
  title: 'Ten thousand servers down at once, table of the kernel',
  method:
    "All servers refuse connections from one moment on. Checks each 30 s, down with the second failure, a second after the first. The last verdict is that of the log; rows are the kernel's.",

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
  const figures = { 'death to last row leaving, ms': [gone.atMs - killedMs] };
  if (downs !== undefined) figures['last verdict to last row leaving, ms'] = [gone.atMs - Math.max(...downs.read())];
  await stop();
  return figures;
}
