import { lvsd } from '../peers/lvsd.mjs';
import { measureDeaths } from '../support/deaths.mjs';

const retryMs = 500;
const check = { type: 'tcp', intervalMs: 5000, timeoutMs: 1000, retryMs, fall: 3 };
const watched = { check, lvsd: { check: { watch: true } } };

export const watch = {
  name: 'watch',
  where: 'guest',
  title: 'Death of a process to its row leaving, with `watch: true`',
  method: `As above, with twenty of 24 servers and a check each 5 s, down with the third failure, ${retryMs} ms apart. The goal is three of these and 50 ms.`,
  goals: [{ figure: 'death to row leaving, ms', column: 'lvsd, watch', atMost: 3 * retryMs + 50 }],

  async measure(columns) {
    columns['lvsd, watch'] = await measureDeaths(lvsd, watched);
    columns.lvsd = await measureDeaths(lvsd, { check });
  },
};
