import { once } from 'node:events';
import { join } from 'node:path';
import { type Host, startOn } from './netns.ts';
import { end } from './realserver.ts';

/** One TCP connection that a client keeps. */
export interface Connection {
  /** Sends a request over it and resolves with the body of the answer. Rejects when it is gone, or mute for a minute. */
  ask(): Promise<string>;
  close(): Promise<void>;
}

const answerMs = 60_000;

/** Resolves when it is established. */
export async function openConnection(client: Host, address: string, port: number): Promise<Connection> {
  const program = join(__dirname, 'connection.mjs');
  const child = startOn(client, process.execPath, [program, address, `${port}`], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const next = async () => {
    const [message] = await once(child, 'message', { signal: AbortSignal.timeout(answerMs) });
    if (message.error !== undefined) throw new Error(`The connection to ${address}:${port} is gone: ${message.error}`);
    return message;
  };
  await next();
  return {
    ask: async () => {
      const answer = next();
      child.send('ask');
      return (await answer).body;
    },
    close: () => end(child),
  };
}
