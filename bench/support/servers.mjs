import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { start } from './child.mjs';
import { folder } from './shell.mjs';

/**
 * Starts a process that plays real servers (servers.c): on every address of its namespace, or on one. `delayMs` is how
 * long it thinks about a request.
 */
export function startServers({ namespace, delayMs = 0, address = '0.0.0.0' } = {}) {
  const inside = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace];
  return play([...inside, `${folder}/servers`, '80', String(delayMs), address]);
}

/** The same by HTTPS (tls-server.mjs), on every address of this namespace. */
export function startTlsServers({ key, certificate }, port = 80) {
  const program = new URL('tls-server.mjs', import.meta.url).pathname;
  return play([process.execPath, program, key, certificate, String(port)]);
}

async function play(command) {
  const { child, end } = start(command, ['pipe', 'pipe', 'inherit']);
  const lines = createInterface({ input: child.stdout });
  await once(lines, 'line');
  return {
    pid: child.pid,
    /** Connections and requests so far, and requests unanswered at this moment. */
    async counts() {
      child.stdin.write('\n');
      const [connections, requests, unanswered] = String(await once(lines, 'line'))
        .split(' ')
        .map(Number);
      return { connections, requests, unanswered };
    },
    /** The process dies as a crashed one does: its kernel closes what it held. */
    kill: () => end('SIGKILL'),
  };
}
