import { lstatSync, unlinkSync } from 'node:fs';
import { createConnection } from 'node:net';
import { dirname } from 'node:path';
import { makeDirectory } from '../run/directory.ts';

/**
 * Makes a path free to bind a unix socket to: creates its directory (0750) if it is missing, and takes away a socket that
 * nobody answers on. Rejects, and touches nothing, when the path is anything else: a file, a link, a live agent's.
 */
export async function freeSocketPath(path: string): Promise<void> {
  makeDirectory(dirname(path));
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error('it exists and is not a socket');
  const code = await connectError(path);
  if (code === undefined) throw new Error('another process answers there');
  if (code === 'ENOENT') return;
  if (code !== 'ECONNREFUSED') throw new Error(`a socket is there that answered ${code}`);
  unlinkSync(path);
}

/** The errno name of a refused connection; undefined when it was accepted. */
function connectError(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
