import { lvsd } from '../peers/lvsd.mjs';
import { costOf, residentMb } from './cpu.mjs';
import { launch } from './peer.mjs';
import { sleep } from './shell.mjs';
import { clearTable, watchTable } from './table.mjs';

const settleMs = 5000;

/** What a probe costs a peer in the guest, once all servers are in the table. `count` resolves with the probes so far. */
export async function measureCost(peer, setting, count) {
  const skipped = peer === lvsd ? lvsd.refusal(setting) : undefined;
  if (skipped !== undefined) return { skipped };
  clearTable();
  const table = watchTable(setting.services[0]);
  const running = launch(peer, setting);
  const all = setting.services.reduce((sum, { servers }) => sum + servers.length, 0);
  await table.reaches(({ servers }) => servers === all);
  await table.stop();
  await sleep(settleMs);
  const checker = running.checker();
  const cost = await costOf(checker, count);
  const figures = { ...cost, servers: [all], 'resident memory, MB': [residentMb(checker)] };
  await running.stop();
  return { figures };
}
