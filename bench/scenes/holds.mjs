import { lvsd } from '../peers/lvsd.mjs';
import { holdFlags, watchHolds } from '../support/holds.mjs';
import { followLog } from '../support/log.mjs';
import { launch } from '../support/peer.mjs';
import { startServers } from '../support/servers.mjs';
import { oneService, serversAt, servicesOfHundred, withWeight } from '../support/settings.mjs';
import { sleep, times, until } from '../support/shell.mjs';

const scale = 10_000;
const shapes = {
  'lvsd, a hundred services': servicesOfHundred(serversAt('127.1', scale)),
  'lvsd, one service': oneService(serversAt('127.1', scale)),
};
const start = 'start, ms';
const phases = [
  'steady, ms',
  'SIGHUP, one weight changed, ms',
  'SIGHUP, all weights changed, ms',
  'all servers down, ms',
  'all servers back, ms',
  'a scrape of all detail, ms',
];
const rounds = 3;
const settleMs = 2000;
const steadyMs = 8_000;

export const holds = {
  name: 'holds',
  where: 'native',
  title: 'How long nothing else has its turn, with ten thousand servers',
  method: `In a hundred services, and in one. Each server is checked once a second, down with the second failure. What counts is the longest time between two turns of a timer of 1 ms in lvsd's event loop, of ${rounds} rounds: a round starts with the signal, or with the death or the return of all servers, and ends ${settleMs / 1000} s after the last of what it brings is in the log; steady are ${rounds} times ${steadyMs / 1000} s. All weights changed: of every server of every service. The scrape is with \`metrics.detail: check\`.`,
  goals: phases.flatMap((figure) => Object.keys(shapes).map((column) => ({ figure, column, atMost: 50 }))),

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
  const reload = (next, detail) =>
    during(async () => {
      running.reload(settingOf(next, detail));
      await events.next('config_reloaded', 1);
    });
  const die = async () => {
    await servers.kill();
    await events.next('server_down', scale);
  };
  const comeBack = async () => {
    servers = await startServers();
    await events.next('server_up', scale);
  };

  const samples = { [start]: [await during(async () => {})] };
  samples[phases[0]] = await times(rounds, () => during(() => sleep(steadyMs - settleMs)));
  samples[phases[1]] = await times(rounds, (turn) => reload(withWeight(services, turn + 2)));
  samples[phases[2]] = await times(rounds, (turn) => reload(withWeights(services, turn + 2)));
  const outages = await times(rounds, async () => [await during(die), await during(comeBack)]);
  samples[phases[3]] = outages.map(([down]) => down);
  samples[phases[4]] = outages.map(([, back]) => back);
  await reload(services, 'check');
  samples[phases[5]] = await times(rounds, () => during(scrape));

  events.close();
  await running.stop();
  await servers.kill();
  return Object.fromEntries(Object.entries(samples).map(([phase, values]) => [phase, [Math.max(...values)]]));
}

function settingOf(services, detail = 'service') {
  return {
    services,
    check: { type: 'tcp', intervalMs: 1000, timeoutMs: 1000, retryMs: 1000, fall: 2 },
    lvsd: { agent: { metrics: { detail } }, options: ['--table', 'memory'], flags: holdFlags },
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
  const actions = ['server_up', 'server_down', 'config_reloaded'];
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

async function scrape() {
  const answer = await fetch('http://127.0.0.1:9975/metrics');
  await answer.arrayBuffer();
}
