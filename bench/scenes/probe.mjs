import { existsSync } from 'node:fs';
import { start } from '../support/child.mjs';
import { costOf } from '../support/cpu.mjs';
import { nativeSetting, startUp } from '../support/native.mjs';
import { startServers } from '../support/servers.mjs';
import { folder, sleep } from '../support/shell.mjs';

const count = 5000;
const setting = nativeSetting(count, { type: 'tcp', intervalMs: 1000, timeoutMs: 1000, retryMs: 1000, fall: 2 });
const settleMs = 5000;
const bare = 'bare loop in C';

export const probe = {
  name: 'probe',
  where: 'native',
  title: 'A TCP probe, five thousand a second, natively',
  method:
    'lvsd as a whole, beside a loop in C that does nothing but connect and close (`bench/probe.c`), at the same rate; the loop has a new socket for each probe, lvsd connects used ones again.',
  goals: [{ figure: 'CPU a probe, µs', column: 'lvsd', atMost: 1.15, of: bare }],

  async measure(columns) {
    const servers = await startServers();
    const probes = async () => (await servers.counts()).connections;
    columns.lvsd = await lvsdCost(probes);
    columns[bare] = await bareCost(probes);
    await servers.kill();
  },
};

async function lvsdCost(probes) {
  const running = await startUp(setting);
  await sleep(settleMs);
  const figures = await costOf(running.checker(), probes);
  await running.stop();
  return { figures };
}

async function bareCost(probes) {
  const program = `${folder}/probe`;
  if (!existsSync(program)) return { skipped: 'There is no bench/probe.c.' };
  const { child, end } = start([program, String(count), '60', '80'], ['ignore', 'ignore', 'inherit']);
  await sleep(settleMs);
  const figures = await costOf(child.pid, probes);
  await end();
  return { figures };
}
