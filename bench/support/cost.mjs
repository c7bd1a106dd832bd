import { costOf, residentMb } from './cpu.mjs';
import { launch } from './peer.mjs';
import { nowMs, sleep, until } from './shell.mjs';
import { clearTable, watchTable } from './table.mjs';

/** V8 compiles what runs often, which takes so long in emulation. */
export const settleSeconds = 90;
/** A peer that is asked too much may never have all servers in the table. */
const longestFillMs = 90_000;

/** What a probe costs a peer in the guest in the long run. `count` resolves with the probes so far. */
export async function measureCost(peer, setting, count) {
  const skipped = peer.refusal?.(setting);
  if (skipped !== undefined) return { skipped };
  clearTable();
  const table = watchTable(setting.services[0]);
  const running = launch(peer, setting);
  const all = setting.services.reduce((sum, { servers }) => sum + servers.length, 0);
  const endMs = nowMs() + longestFillMs;
  await until(() => table.servers() === all || nowMs() > endMs, longestFillMs * 2);
  await sleep(settleSeconds * 1000);
  const checker = running.checker();
  const cost = await costOf(checker, count);
  const figures = {
    ...cost,
    servers: [all],
    'of these in the table': [table.servers()],
    'resident memory, MB': [residentMb(checker)],
  };
  await running.stop();
  await table.stop();
  return { figures };
}
