import { serverside } from './network.mjs';
import { launch } from './peer.mjs';
import { startServers } from './servers.mjs';
import { oneService, serversAt } from './settings.mjs';
import { nowMs, sleep, until } from './shell.mjs';
import { addressesInTable, clearTable } from './table.mjs';

const servers = serversAt('10.1', 24);
/** Some stay, so that no service is ever empty. */
const victims = servers.slice(0, 20).map(({ address }) => address);
const settleMs = 5000;
const limitMs = 120_000;

/** Each server a process of its own; twenty die and are started again. How long each one's row stays, ms. */
export async function measureDeaths(peer, how) {
  clearTable();
  const processes = new Map();
  const start = async (address) => processes.set(address, await startServers({ namespace: serverside, address }));
  for (const { address } of servers) await start(address);
  const running = launch(peer, { ...how, services: oneService(servers) });
  await until(() => servers.every(({ address }) => addressesInTable().has(address)), limitMs, 100);
  await sleep(settleMs);

  const leaving = victims.map(async (address, turn) => {
    // Each in a phase of its own between two checks, so that they do not wait for each other.
    await sleep(turn * 1370);
    const diedMs = nowMs();
    await processes.get(address).kill();
    await until(() => !addressesInTable().has(address), limitMs, 10);
    const tookMs = nowMs() - diedMs;
    await start(address);
    return tookMs;
  });
  const samples = await Promise.all(leaving);
  await running.stop();
  for (const server of processes.values()) await server.kill();
  return { figures: { 'death to row leaving, ms': samples, 'the longest, ms': [Math.max(...samples)] } };
}
