import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { Target } from '../../../src/core/config.ts';

/** What a server does with a connection. `reached` says that it got to the point that the test waits for. */
export type Behaviour = (socket: Socket, reached: () => void) => void;

export interface Listening {
  readonly target: Target;
  /** Resolves when a connection got to the point that its behaviour names. */
  readonly reached: Promise<void>;
  /** How many connections came, over all. */
  accepted(): number;
  /** Resolves when no connection is open. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** Listens on a loopback address, on a free port unless one is given, with TLS where a certificate is given. */
export async function listen(behaviour: Behaviour, host = '127.0.0.1', tls?: TlsOptions, port = 0): Promise<Listening> {
  let reached = () => {};
  let accepted = 0;
  const sockets = new Set<Socket>();
  const whenReached = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const server = createServer(tls, (socket) => behaviour(socket, reached));
  server.on('connection', (socket: Socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    target: { address: host, port: (server.address() as AddressInfo).port },
    reached: whenReached,
    accepted: () => accepted,
    async idle() {
      await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    },
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

function createServer(tls: TlsOptions | undefined, onConnection: (socket: Socket) => void): Server {
  if (tls === undefined) return createTcpServer(onConnection);
  const server = createTlsServer(tls, (socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  return server.on('tlsClientError', () => {});
}
