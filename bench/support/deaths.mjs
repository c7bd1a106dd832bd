import { serverside } from './network.mjs';
import { launch } from './peer.mjs';
import { startServers } from './servers.mjs';
import { oneService, serversAt } from './settings.mjs';
import { nowMs, sleep, until } from './shell.mjs';
import { addressesInTable, clearTable } from './table.mjs';

const settleMs = 5000;
const limitMs = 120_000;

/** Each server a process of its own; all but four die and are started again. How long each one's row stays, ms. */
export async function measureDeaths(peer, how, count = 24) {
  const servers = serversAt('10.1', count);
  const setting = { ...how, services: oneService(servers) };
  // Some stay, so that the service is never empty.
  const victims = servers.slice(4).map(({ address }) => address);
  clearTable();
  const processes = new Map();
  const start = async (address) => processes.set(address, await startServers({ namespace: serverside, address }));
  for (const { address } of servers) await start(address);
  const running = launch(peer, setting);
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
