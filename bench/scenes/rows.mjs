import { keepalived } from '../peers/keepalived.mjs';
import { lvsd } from '../peers/lvsd.mjs';
import { serverside } from '../support/network.mjs';
import { setting, startFull } from '../support/scale.mjs';
import { startServers } from '../support/servers.mjs';
import { times } from '../support/shell.mjs';

const alpha = { ...setting, keepalived: `${setting.keepalived}\n  alpha` };

export const rows = {
  name: 'rows',
  where: 'guest',
  title: 'Start to a full table of 10,000 rows',
  method:
    'A hundred services of a hundred servers, an empty table; from the start of the process to the last row, three times. lvsd puts a server into the table when a check has passed; so does keepalived with `alpha`, while by itself it puts all servers there before it has looked at any.',
  goals: [{ figure: 'start to full table, ms', column: 'lvsd', atMost: 0.5, of: 'keepalived' }],

  async measure(columns) {
    const servers = await startServers({ namespace: serverside });
    columns.lvsd = await starts(lvsd, setting);
    columns.keepalived = await starts(keepalived, setting);
    columns['keepalived, alpha'] = await starts(keepalived, alpha);
    await servers.kill();
  },
};

async function starts(peer, how) {
  const samples = await times(3, async () => {
    const { tookMs, stop } = await startFull(peer, how);
    await stop();
    return tookMs;
  });
  return { figures: { 'start to full table, ms': samples } };
}
