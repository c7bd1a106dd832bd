import { keepalived } from '../peers/keepalived.mjs';
import { ldirectord } from '../peers/ldirectord.mjs';
import { loop } from '../peers/loop.mjs';
import { lvsd } from '../peers/lvsd.mjs';
import { measureDeaths } from '../support/deaths.mjs';

const check = { type: 'tcp', intervalMs: 1000, timeoutMs: 1000, retryMs: 1000, fall: 2 };

export const death = {
  name: 'death',
  where: 'guest',
  title: 'Death of a process to its row leaving',
  method:
    'Sixty of 64 servers, each a process of its own, are killed, each in another phase between two checks. A check a second, down with the second failure, a second after the first. ldirectord retries in its next round, and the shell loop three times as the handbook has it; they look at one server after the other, and have ten, of which six are killed.',
  goals: [{ figure: 'death to row leaving, ms', column: 'lvsd', atMost: 1, of: 'keepalived' }],

  async measure(columns) {
    columns.lvsd = await measureDeaths(lvsd, { check }, 64);
    columns.keepalived = await measureDeaths(keepalived, { check }, 64);
    columns.ldirectord = await measureDeaths(ldirectord, { check }, 10);
    columns['shell loop'] = await measureDeaths(loop, { check: { ...check, fall: 3 } }, 10);
  },
};
