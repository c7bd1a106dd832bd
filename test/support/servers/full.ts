import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Target } from '../../../src/core/config.ts';

export interface Full {
  readonly target: Target;
  close(): void;
}

/** A listener that never accepts: blocked, in a process of its own that ends by itself where nobody ends it. */
const program = `
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: process.argv[1], backlog: 1 }, () => {
    require('node:fs').writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30_000);
    process.exit();
  });
`;

/** A port whose queue of connections is full: the kernel drops every further SYN, and a connect hears nothing. */
export async function listenFull(host: string): Promise<Full> {
  const child = spawn(process.execPath, ['-e', program, host], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = await once(child.stdout, 'data');
  const target = { address: host, port: Number(port) };
  // A backlog of 1 holds two connections.
  const queued = await Promise.all([occupy(target), occupy(target)]);
  return {
    target,
    close() {
      child.kill('SIGKILL');
      for (const socket of queued) socket.destroy();
    },
  };
}

async function occupy({ address, port }: Target): Promise<Socket> {
  const socket = connect({ host: address, port });
  await once(socket, 'connect');
  return socket.on('error', () => {});
}
