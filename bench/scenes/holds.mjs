import { once } from 'node:events';
import { get } from 'node:http';
import { lvsd } from '../peers/lvsd.mjs';
import { holdFlags, watchHolds } from '../support/holds.mjs';
import { followLog } from '../support/log.mjs';
import { launch } from '../support/peer.mjs';
import { readMetrics } from '../support/scrape.mjs';
import { startServers } from '../support/servers.mjs';
import { oneService, serversAt, servicesOfHundred, withWeight } from '../support/settings.mjs';
import { folder, sleep, times, until } from '../support/shell.mjs';

const scale = 10_000;
const all = serversAt('127.1', scale);
const shapes = { 'lvsd, a hundred services': servicesOfHundred(all), 'lvsd, one service': oneService(all) };
const phases = {
  start: 'start, ms',
  steady: 'steady, ms',
  weight: 'SIGHUP, one weight changed, ms',
  weights: 'SIGHUP, all weights changed, ms',
  window: 'SIGHUP, a window for a thousand servers, ms',
  intervals: 'SIGHUP, all intervals changed, ms',
  down: 'all servers down, ms',
  back: 'all servers back, ms',
  status: 'GET /v1/status, four at once, ms',
  scrape: 'a scrape of all detail, ms',
};
const rounds = 3;
const settleMs = 2000;
const steadyMs = 8_000;
const socketPath = `${folder}/admin.sock`;
/** Open at once, and for longer than it lasts here. */
const windowOf = (servers) => ({
  servers: servers.map(({ address }) => address),
  schedule: '* * * * *',
  duration: '1h',
});

export const holds = {
  name: 'holds',
  where: 'native',
  title: 'How long nothing else has its turn, with ten thousand servers',
  method: `In a hundred services, and in one. Each server is checked once a second, down with the second failure. A sample is the longest time between two turns of a timer of 1 ms in lvsd's event loop in one round, as lvsd's own process sees it; what the table shows is the greatest of ${rounds} such samples, a maximum and no median. A round starts with the signal, the request, or the death or the return of all servers, and ends ${settleMs / 1000} s after the last of what it brings is in the log; steady are ${rounds} times ${steadyMs / 1000} s; the start is one, until all servers are up. All weights changed: of every server of every service. The window drains a thousand servers at once, and all intervals are made a tenth of a second longer. The admin socket is on. The scrape is with \`metrics.detail: check\`.`,
  areMaxima: true,
  goals: Object.values(phases).flatMap((figure) =>
    Object.keys(shapes).map((column) => ({ figure, column, atMost: 50 })),
  ),

  async measure(columns) {
    for (const [shape, services] of Object.entries(shapes)) columns[shape] = { figures: await measureHolds(services) };
  },
};

async function measureHolds(services) {
  let servers = await startServers();
  const running = launch(lvsd, settingOf(services));
  const events = watchLog(running.logPath);
  await events.next('server_up', scale);
  const longestHold = watchHolds(running.checker());
  const during = async (happen) => {
    await happen();
    await sleep(settleMs);
    return longestHold();
  };
  const reload = (next, how, brings = async () => {}) =>
    during(async () => {
      running.reload(settingOf(next, how));
      await events.next('config_reloaded', 1);
      await brings();
    });
  const die = async () => {
    await servers.kill();
    await events.next('server_down', scale);
  };
  const comeBack = async () => {
    servers = await startServers();
    await events.next('server_up', scale);
  };
  const drain = async () => {
    const drained = all.slice(0, 1000);
    const held = await reload(services, { maintenance: [windowOf(drained)] }, () =>
      events.next('server_drain_started', drained.length),
    );
    await reload(services);
    return held;
  };

  const samples = { [phases.start]: [await during(async () => {})] };
  samples[phases.steady] = await times(rounds, () => during(() => sleep(steadyMs - settleMs)));
  samples[phases.weight] = await times(rounds, (turn) => reload(withWeight(services, turn + 2)));
  samples[phases.weights] = await times(rounds, (turn) => reload(withWeights(services, turn + 2)));
  await reload(services);
  samples[phases.window] = await times(rounds, drain);
  samples[phases.intervals] = await times(rounds, (turn) => reload(services, { intervalMs: 1100 + 100 * turn }));
  await reload(services);
  const outages = await times(rounds, async () => [await during(die), await during(comeBack)]);
  samples[phases.down] = outages.map(([down]) => down);
  samples[phases.back] = outages.map(([, back]) => back);
  samples[phases.status] = await times(rounds, () => during(() => Promise.all([1, 2, 3, 4].map(readStatus))));
  await reload(services, { detail: 'check' });
  samples[phases.scrape] = await times(rounds, () => during(() => readMetrics()));

  events.close();
  await running.stop();
  await servers.kill();
  return samples;
}

function settingOf(services, { detail = 'service', intervalMs = 1000, maintenance } = {}) {
  const agent = { metrics: { detail }, admin: { listen: `unix:${socketPath}` } };
  return {
    services,
    check: { type: 'tcp', intervalMs, timeoutMs: 1000, retryMs: 1000, fall: 2 },
    lvsd: { agent, maintenance, options: ['--table', 'memory'], flags: holdFlags },
  };
}

function withWeights(services, weight) {
  return services.map(({ servers, ...service }) => ({
    ...service,
    servers: servers.map((server) => ({ ...server, weight })),
  }));
}

/** `next(action, count)` resolves when there are so many more lines of an `event.action` than it waited for before. */
function watchLog(path) {
  const actions = ['server_up', 'server_down', 'server_drain_started', 'config_reloaded'];
  const logs = new Map(actions.map((action) => [action, { log: followLog(path, action), awaited: 0 }]));
  return {
    async next(action, count) {
      const entry = logs.get(action);
      entry.awaited += count;
      await until(() => entry.log.read().length >= entry.awaited, 60_000);
    },
    close() {
      for (const { log } of logs.values()) log.close();
    },
  };
}

async function readStatus() {
  const [response] = await once(get({ socketPath, path: '/v1/status' }), 'response');
  if (response.statusCode !== 200) throw new Error(`GET /v1/status was answered with ${response.statusCode}`);
  await once(response.resume(), 'end');
}
