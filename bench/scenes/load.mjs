import { cpuMs, peakResidentMb, residentMb } from '../support/cpu.mjs';
import { nativeSetting, startUp } from '../support/native.mjs';
import { quantile, scrape } from '../support/scrape.mjs';
import { startServers } from '../support/servers.mjs';
import { nowMs, sleep } from '../support/shell.mjs';

const setting = nativeSetting(10_000, { type: 'tcp', intervalMs: 1000, timeoutMs: 1000, retryMs: 1000, fall: 2 });
const settleMs = 8000;
const measuredMs = 60_000;
const lag = 'lvsd_check_scheduler_lag_seconds';

export const load = {
  name: 'load',
  where: 'native',
  title: 'Ten thousand servers a second for a minute',
  method:
    'Each server is checked once a second, by connecting. How late checks start is between two scrapes, interpolated within the buckets of `lvsd_check_scheduler_lag_seconds`.',
  goals: [
    { figure: 'start after due time, p99, ms', column: 'lvsd', atMost: 100 },
    { figure: 'CPU, share of a core', column: 'lvsd', atMost: 1 },
    { figure: 'resident memory, MB', column: 'lvsd', atMost: 150 },
  ],

  async measure(columns) {
    const servers = await startServers();
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
    await servers.kill();
    columns.lvsd = { figures: { ...figuresOf(before, after), ...memory } };
  },
};

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
