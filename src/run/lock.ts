import { createServer } from 'node:net';

/** `sun_path` less its first NUL. Versions of Node differ in how they end a shorter name. */
const longestName = 107;

/**
 * Takes the right to write the table of this network namespace, until the process ends however it ends. Resolves with
 * what gives it back; undefined: another agent has it. An abstract socket belongs to its network namespace, as the
 * IPVS table does, and leaves nothing behind.
 */
export function takeLock(name = 'lvsd'): Promise<(() => void) | undefined> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(`\0${name.padEnd(longestName, '.')}`, () => {
      server.unref();
      resolve(() => void server.close());
    });
  });
}
