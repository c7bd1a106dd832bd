import { lvsd } from '../peers/lvsd.mjs';
import { cpuMs } from '../support/cpu.mjs';
import { interleave } from '../support/interleave.mjs';
import { nativeSetting, untilAllUp } from '../support/native.mjs';
import { launch } from '../support/peer.mjs';
import { metricsPort, quantile, scrape } from '../support/scrape.mjs';
import { startServers } from '../support/servers.mjs';
import { nowMs, sleep } from '../support/shell.mjs';

const check = { type: 'tcp', intervalMs: 1000, timeoutMs: 1000, retryMs: 1000, fall: 2 };
const rates = [10_000, 20_000];
const settleMs = 8000;
const measuredMs = 20_000;
const lag = 'lvsd_check_scheduler_lag_seconds';

export const shards = {
  name: 'shards',
  where: 'native',
  title: 'Ten and twenty thousand servers a second, by one process and by two',
  method: `Each server is checked once a second, by connecting; of two processes, each checks half of the servers. Two threads of one process could do no better: here nothing is shared, and nothing crosses. Threads would pay from the rate on at which one process starts its checks much later than two do, or makes fewer of them; below it they only cost the CPU by which two take more than one. CPU is that of all processes of lvsd together. The servers run on the same cores: where lvsd and they come near to all that there are, the machine is what is late. Each sample is of ${measuredMs / 1000} s; one process and two take turns, three times. How late checks start is by lvsd's own \`${lag}\`, interpolated within its buckets. Due is when the scheduler meant to start a check: after jitter, and after rounding to its grid of 50 ms; what these shift is not in the figure.`,

  async measure(columns) {
    const servers = await startServers();
    for (const rate of rates)
      await interleave(columns, {
        'lvsd, one process': () => measureProcesses(1, rate, servers),
        'lvsd, two processes': () => measureProcesses(2, rate, servers),
      });
    await servers.kill();
  },
};

async function measureProcesses(count, rate, servers) {
  const processes = await Promise.all(settingsOf(count, rate).map(startProcess));
  await sleep(settleMs);
  const look = async () => ({
    atMs: nowMs(),
    cpu: processes.reduce((total, { running }) => total + cpuMs(running.checker()), 0),
    serversCpu: cpuMs(servers.pid),
    samples: together(await Promise.all(processes.map(({ port }) => scrape(port)))),
    probes: (await servers.counts()).connections,
  });
  const before = await look();
  await sleep(measuredMs);
  const after = await look();
  await Promise.all(processes.map(({ running }) => running.stop()));
  return figuresOf(before, after, rate);
}

function settingsOf(count, rate) {
  const all = nativeSetting(rate, check);
  const share = all.services.length / count;
  return Array.from({ length: count }, (_, i) => ({
    ...all,
    services: all.services.slice(i * share, (i + 1) * share),
  }));
}

async function startProcess(setting, index) {
  const port = metricsPort + index;
  const agent = { metrics: { detail: 'service', listen: `127.0.0.1:${port}` } };
  // Its files go by its name.
  const peer = { ...lvsd, name: `lvsd-${index}` };
  const own = { ...setting, lvsd: { ...setting.lvsd, agent } };
  const running = launch(peer, own);
  await untilAllUp(own, port);
  return { running, port };
}

/** The sums of what several processes count. */
function together(scrapes) {
  const totals = new Map();
  for (const [series, value] of scrapes.flatMap((samples) => [...samples]))
    totals.set(series, (totals.get(series) ?? 0) + value);
  return totals;
}

function figuresOf(before, after, rate) {
  const elapsedMs = after.atMs - before.atMs;
  const at = `at ${rate.toLocaleString('en-US')}`;
  return {
    [`${at}: probes a second`]: ((after.probes - before.probes) / elapsedMs) * 1000,
    [`${at}: CPU, share of a core`]: (after.cpu - before.cpu) / elapsedMs,
    [`${at}: CPU of the servers, share of a core`]: (after.serversCpu - before.serversCpu) / elapsedMs,
    [`${at}: start after due time, p99, ms`]: quantile(before.samples, after.samples, lag, 0.99) * 1000,
  };
}
