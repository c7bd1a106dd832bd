import { start } from '../support/child.mjs';
import { costOnce } from '../support/cpu.mjs';
import { interleave } from '../support/interleave.mjs';
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
    'lvsd as a whole, beside a loop in C that does nothing but connect and close (`bench/probe.c`), at the same rate; the loop has a new socket for each probe, lvsd connects used ones again. Each sample is of a process of its own; the two take turns, three times.',
  goals: [{ figure: 'CPU a probe, µs', column: 'lvsd', atMost: 1.15, of: bare }],

  async measure(columns) {
    const servers = await startServers();
    const probes = async () => (await servers.counts()).connections;
    await interleave(columns, { lvsd: () => lvsdCost(probes), [bare]: () => bareCost(probes) });
    await servers.kill();
  },
};

async function lvsdCost(probes) {
  const running = await startUp(setting);
  await sleep(settleMs);
  const cost = await costOnce(running.checker(), probes);
  await running.stop();
  return figuresOf(cost);
}

async function bareCost(probes) {
  const { child, end } = start([`${folder}/probe`, String(count), '60', '80'], ['ignore', 'ignore', 'inherit']);
  await sleep(settleMs);
  const cost = await costOnce(child.pid, probes);
  await end();
  return figuresOf(cost);
}

function figuresOf({ cpuMicros, rate }) {
  return { 'CPU a probe, µs': cpuMicros, 'probes a second': rate };
}
