import { keepalived } from '../peers/keepalived.mjs';
import { ldirectord } from '../peers/ldirectord.mjs';
import { lvsd } from '../peers/lvsd.mjs';
import { measureCost, settleText } from '../support/cost.mjs';
import { interleave } from '../support/interleave.mjs';
import { serverside } from '../support/network.mjs';
import { startServers } from '../support/servers.mjs';
import { oneService, serversAt } from '../support/settings.mjs';

const check = { type: 'tcp', intervalMs: 1000, timeoutMs: 1000, retryMs: 1000, fall: 2 };
const settingOf = (count) => ({ services: oneService(serversAt('10.1', count)), check });

export const tcp = {
  name: 'tcp',
  where: 'guest',
  title: 'A TCP probe, a thousand a second',
  method: `Each server is checked once a second, by connecting. ldirectord looks at one server after the other and rests for a second after each round; it has ten. ${settleText(lvsd)}`,
  intervalMs: check.intervalMs,
  goals: [{ figure: 'CPU a probe, µs', column: 'lvsd', atMost: 1, of: 'keepalived' }],

  async measure(columns) {
    const servers = await startServers({ namespace: serverside });
    const count = async () => (await servers.counts()).connections;
    await interleave(columns, {
      lvsd: () => measureCost(lvsd, settingOf(1000), count),
      keepalived: () => measureCost(keepalived, settingOf(1000), count),
      ldirectord: () => measureCost(ldirectord, settingOf(10), count),
    });
    await servers.kill();
  },
};
