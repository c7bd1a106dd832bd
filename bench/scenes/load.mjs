import { mkdirSync } from 'node:fs';
import { cpuMs, peakResidentMb, residentMb } from '../support/cpu.mjs';
import { nativeSetting, startUp } from '../support/native.mjs';
import { quantile, readMetrics, scrape } from '../support/scrape.mjs';
import { startServers } from '../support/servers.mjs';
import { folder, nowMs, sleep } from '../support/shell.mjs';

const check = { type: 'tcp', intervalMs: 1000, timeoutMs: 1000, retryMs: 1000, fall: 2 };
const stateFolder = `${folder}/state`;
/** As it comes, but for where its files are. */
const whole = { metrics: {}, admin: { listen: `unix:${folder}/admin.sock` }, state_dir: stateFolder };
const settleMs = 8000;
const measuredMs = 60_000;
const scrapeMs = 5000;
const lag = 'lvsd_check_scheduler_lag_seconds';

export const load = {
  name: 'load',
  where: 'native',
  title: 'Ten thousand servers a second for a minute',
  method: `Each server is checked once a second, by connecting. With all detail: \`metrics.detail: check\`, the admin socket and the state directory are on, as they are by default, and /metrics is scraped each ${scrapeMs / 1000} s; the two run one after the other. How late checks start is by lvsd's own \`${lag}\`, between two scrapes, interpolated within its buckets. Due is when the scheduler meant to start a check: after jitter, and after rounding to its grid of 50 ms; what these shift is not in the figure.`,
  goals: [
    { figure: 'start after due time, p99, ms', column: 'lvsd', atMost: 100 },
    { figure: 'CPU, share of a core', column: 'lvsd', atMost: 1 },
    { figure: 'resident memory, MB', column: 'lvsd', atMost: 150 },
  ],

  async measure(columns) {
    const servers = await startServers();
    columns.lvsd = { figures: await measureLoad(nativeSetting(10_000, check), servers) };
    mkdirSync(stateFolder, { recursive: true });
    const scraper = setInterval(scrapeOnce, scrapeMs);
    try {
      columns['lvsd, all detail'] = { figures: await measureLoad(nativeSetting(10_000, check, whole), servers) };
    } finally {
      clearInterval(scraper);
    }
    await servers.kill();
  },
};

async function measureLoad(setting, servers) {
  const running = await startUp(setting);
  await sleep(settleMs);
  const look = async () => ({
    atMs: nowMs(),
    cpu: cpuMs(running.checker()),
    samples: await scrape(),
    probes: (await servers.counts()).connections,
  });
  const before = await look();
  await sleep(measuredMs);
  const after = await look();
  const memory = {
    'resident memory, MB': [residentMb(running.checker())],
    'at its peak, MB': [peakResidentMb(running.checker())],
  };
  await running.stop();
  return { ...figuresOf(before, after), ...memory };
}

/** While lvsd starts and ends it fails. */
function scrapeOnce() {
  readMetrics().catch(() => {});
}

function figuresOf(before, after) {
  const elapsedMs = after.atMs - before.atMs;
  const lateMs = (share) => [quantile(before.samples, after.samples, lag, share) * 1000];
  return {
    'probes a second': [((after.probes - before.probes) / elapsedMs) * 1000],
    'start after due time, median, ms': lateMs(0.5),
    'start after due time, p99, ms': lateMs(0.99),
    'CPU, share of a core': [(after.cpu - before.cpu) / elapsedMs],
  };
}
