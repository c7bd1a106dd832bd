import { readFileSync } from 'node:fs';
import { keepalived } from '../peers/keepalived.mjs';
import { lvsd } from '../peers/lvsd.mjs';
import { measureCost, settleText } from '../support/cost.mjs';
import { interleave } from '../support/interleave.mjs';
import { serverside } from '../support/network.mjs';
import { startServers } from '../support/servers.mjs';
import { oneService, serversAt } from '../support/settings.mjs';

const setting = {
  services: oneService(serversAt('10.1', 1000)),
  check: { type: 'icmp', intervalMs: 1000, timeoutMs: 1000, retryMs: 1000, fall: 2 },
};

export const icmp = {
  name: 'icmp',
  where: 'guest',
  title: 'An ICMP probe, a thousand a second',
  method: `Each server is asked for an echo once a second; what is counted are the requests that reached the servers. ${settleText(lvsd)}`,
  intervalMs: setting.check.intervalMs,
  goals: [{ figure: 'CPU a probe, µs', column: 'lvsd', atMost: 1, of: 'keepalived' }],

  async measure(columns) {
    // Nobody connects to them: their process is how one reads the counters of their namespace.
    const servers = await startServers({ namespace: serverside });
    const count = async () => echoRequests(servers.pid);
    await interleave(columns, {
      lvsd: () => measureCost(lvsd, setting, count),
      keepalived: () => measureCost(keepalived, setting, count),
    });
    await servers.kill();
  },
};

/** Two lines of /proc/net/snmp: names, then values. */
function echoRequests(pid) {
  const lines = readFileSync(`/proc/${pid}/net/snmp`, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('Icmp:'));
  const [names, values] = lines.map((line) => line.split(' '));
  return Number(values[names.indexOf('InEchos')]);
}
