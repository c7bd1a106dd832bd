import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Config, Server } from '../core/config.ts';

/** A configuration on its way from a thread: its servers come behind it, so many at a time. */
export interface Parcel {
  /** None of its services has servers. */
  readonly config: Config;
  readonly servers: MessagePort;
}

/** A server, and the index of its service. */
type Placed = readonly [service: number, server: Server];

/** To take over so many takes some milliseconds. */
const pieceLength = 500;

export function sendServers(config: Config): Parcel {
  const { port1: ours, port2: theirs } = new MessageChannel();
  const placed = config.services.flatMap(({ servers }, service) => servers.map((server): Placed => [service, server]));
  for (let begin = 0; begin < placed.length; begin += pieceLength) {
    ours.postMessage(placed.slice(begin, begin + pieceLength));
  }
  const services = config.services.map((service) => ({ ...service, servers: [] }));
  return { config: { ...config, services }, servers: theirs };
}

/**
 * Takes the servers out of their parcel: each is what `take` makes of it, its place given by the indexes of its service and
 * within it. `pause` is awaited after each few hundred.
 */
export async function receiveServers(
  { config, servers: port }: Parcel,
  take: (server: Server, service: number, index: number) => Server,
  pause: () => Promise<void>,
): Promise<Config> {
  const servers: Server[][] = config.services.map(() => []);
  try {
    for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
      const piece: readonly Placed[] = got.message;
      for (const [service, server] of piece) {
        const list = servers[service] ?? [];
        list.push(take(server, service, list.length));
      }
      await pause();
    }
  } finally {
    port.close();
  }
  const services = config.services.map((service, index) => ({ ...service, servers: servers[index] ?? [] }));
  return { ...config, services };
}
