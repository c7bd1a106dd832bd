import { death } from './death.mjs';
import { engines } from './engines.mjs';
import { flush } from './flush.mjs';
import { holds } from './holds.mjs';
import { http } from './http.mjs';
import { icmp } from './icmp.mjs';
import { load } from './load.mjs';
import { outage } from './outage.mjs';
import { outageGuest } from './outage-guest.mjs';
import { probe } from './probe.mjs';
import { reload } from './reload.mjs';
import { rows } from './rows.mjs';
import { shards } from './shards.mjs';
import { soak } from './soak.mjs';
import { stall } from './stall.mjs';
import { tcp } from './tcp.mjs';
import { tls } from './tls.mjs';
import { watch } from './watch.mjs';

/**
 * Every scene: `name`, `where` it runs (`native` or `guest`), `title`, `method` for the page, `goals` (see
 * report/goals.mjs), and `measure(columns)`, which fills in the columns of its table as it gets them (see
 * report/table.mjs). One that `isLong` is run when it is named. Samples are shown by their median, unless `areMaxima`.
 * `intervalMs` is how often each server is to be probed, where a peer may not manage. `note(columns)` is what the page
 * says of the figures.
 */
export const scenes = [
  tcp,
  icmp,
  http,
  tls,
  probe,
  engines,
  load,
  shards,
  holds,
  rows,
  reload,
  flush,
  outage,
  outageGuest,
  death,
  watch,
  stall,
  soak,
];
