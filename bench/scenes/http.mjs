import { keepalived } from '../peers/keepalived.mjs';
import { ldirectord } from '../peers/ldirectord.mjs';
import { loop } from '../peers/loop.mjs';
import { lvsd } from '../peers/lvsd.mjs';
import { measureCost, settleText } from '../support/cost.mjs';
import { interleave } from '../support/interleave.mjs';
import { serverside } from '../support/network.mjs';
import { startServers } from '../support/servers.mjs';
import { oneService, serversAt } from '../support/settings.mjs';

const check = { type: 'http', intervalMs: 1000, timeoutMs: 1000, retryMs: 1000, fall: 2 };
const settingOf = (count) => ({ services: oneService(serversAt('10.1', count)), check });
const kept = { ...settingOf(200), lvsd: { check: { connection: 'reuse' } } };

export const http = {
  name: 'http',
  where: 'guest',
  title: 'An HTTP probe, two hundred a second',
  method: `Each server is asked for a page of two bytes once a second, on a connection of its own or on one that is kept. ldirectord and the shell loop look at one server after the other; they have ten. ${settleText(lvsd)}`,
  intervalMs: check.intervalMs,
  goals: [
    { figure: 'CPU a probe, µs', column: 'lvsd', atMost: 1.5, of: 'keepalived' },
    { figure: 'CPU a probe, µs', column: 'lvsd, kept connection', atMost: 1, of: 'keepalived' },
  ],

  async measure(columns) {
    const servers = await startServers({ namespace: serverside });
    const count = async () => (await servers.counts()).requests;
    await interleave(columns, {
      lvsd: () => measureCost(lvsd, settingOf(200), count),
      'lvsd, kept connection': () => measureCost(lvsd, kept, count),
      keepalived: () => measureCost(keepalived, settingOf(200), count),
      ldirectord: () => measureCost(ldirectord, settingOf(10), count),
      'shell loop': () => measureCost(loop, settingOf(10), count),
    });
    await servers.kill();
  },
};
