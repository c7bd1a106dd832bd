import { followLog } from '../support/log.mjs';
import { nativeSetting, startUp } from '../support/native.mjs';
import { startServers } from '../support/servers.mjs';
import { sleep, times, until } from '../support/shell.mjs';

const delayMs = 2500;
const setting = nativeSetting(700, {
  type: 'http',
  intervalMs: 3000,
  timeoutMs: delayMs + 300,
  retryMs: 1000,
  fall: 1,
});
const inFlight = 500;
const stallMs = 3000;

export const stall = {
  name: 'stall',
  where: 'native',
  title: 'Stopped for three seconds with 500 checks in flight',
  method: `700 servers that answer after ${delayMs} ms are asked each 3 s and have ${delayMs + 300} ms to answer; one failure takes a server down. Ten times: when at least ${inFlight} requests are unanswered, the process gets SIGSTOP, and after ${stallMs / 1000} s SIGCONT. Servers that lvsd's log says to be down within the next 3 s are counted.`,
  goals: [{ figure: 'false transitions, all ten times', column: 'lvsd', atMost: 0 }],

  async measure(columns) {
    const servers = await startServers({ delayMs });
    const running = await startUp(setting);
    const downs = followLog(running.logPath, 'server_down');
    const stalls = await times(10, () => stallOnce(running.checker(), servers, downs));
    downs.close();
    await running.stop();
    await servers.kill();
    const figures = {
      'checks in flight, median': stalls.map(({ unanswered }) => unanswered),
      'false transitions, all ten times': [stalls.reduce((sum, { falls }) => sum + falls, 0)],
    };
    columns.lvsd = { figures };
  },
};

async function stallOnce(pid, servers, downs) {
  const unanswered = await until(async () => {
    const counts = await servers.counts();
    return counts.unanswered >= inFlight ? counts.unanswered : undefined;
  }, 30_000);
  const before = downs.read().length;
  process.kill(pid, 'SIGSTOP');
  await sleep(stallMs);
  process.kill(pid, 'SIGCONT');
  await sleep(stallMs);
  return { unanswered, falls: downs.read().length - before };
}
