import { lvsd } from '../peers/lvsd.mjs';
import { launch } from './peer.mjs';
import { sum, untilScrape } from './scrape.mjs';
import { serversAt, servicesOfHundred } from './settings.mjs';

/** Services of a hundred servers each at addresses in 127.1.0.0/16, checked by lvsd with its table in memory. */
export function nativeSetting(count, check, agent = {}) {
  return {
    services: servicesOfHundred(serversAt('127.1', count)),
    check,
    lvsd: { agent, options: ['--table', 'memory'] },
  };
}

/** Starts lvsd and resolves when each server is up. */
export async function startUp(setting) {
  const running = launch(lvsd, setting);
  await untilAllUp(setting);
  return running;
}

export function untilAllUp({ services }, port) {
  const all = services.reduce((total, { servers }) => total + servers.length, 0);
  return untilScrape((samples) => sum(samples, 'lvsd_service_servers', 'state="up"') === all, port);
}
