import { costOnce, residentMb } from './cpu.mjs';
import { launch } from './peer.mjs';
import { nowMs, sleep, until } from './shell.mjs';
import { clearTable, watchTable } from './table.mjs';

const settleSeconds = 30;
/** A peer that is asked too much may never have all servers in the table. */
const longestFillMs = 90_000;

/** For the method of a scene. `lvsd` is that peer. */
export function settleText({ settleSeconds: longer }) {
  return `The peers take turns, three times. Each sample is of a process of its own and of ten seconds, after it has probed for ${settleSeconds} s; lvsd has for ${longer} s, since V8 compiles only what has run often. A peer that makes fewer probes than it was asked for has those it makes beside its cost.`;
}

/** What a probe costs a peer in the guest in the long run: one sample. `count` resolves with the probes so far. */
export async function measureCost(peer, setting, count) {
  clearTable();
  const table = watchTable(setting.services[0]);
  const running = launch(peer, setting);
  const all = setting.services.reduce((sum, { servers }) => sum + servers.length, 0);
  const endMs = nowMs() + longestFillMs;
  await until(() => table.servers() === all || nowMs() > endMs, longestFillMs * 2);
  await sleep((peer.settleSeconds ?? settleSeconds) * 1000);
  const checker = running.checker();
  const { cpuMicros, rate } = await costOnce(checker, count);
  const figures = {
    'CPU a probe, µs': cpuMicros,
    'probes a second': rate,
    servers: all,
    'of these in the table': table.servers(),
    'resident memory, MB': residentMb(checker),
  };
  await running.stop();
  await table.stop();
  return figures;
}
