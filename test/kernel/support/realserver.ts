import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Host, startOn } from './netns.ts';

/**
 * `ok` answers 200 with its address, `slow` the same after 600 ms, `error` 500, `refuse` does not listen, `silence` takes
 * connections and says nothing.
 */
export type Behaviour = 'ok' | 'slow' | 'error' | 'refuse' | 'silence';

export interface RealServer {
  readonly host: Host;
  /** Resolves when it behaves so. Connections that are open stay open, but for `refuse`. */
  behave(behaviour: Behaviour): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts an HTTP server on a host, which answers each request with the address of the host, or `/N` with N bytes, and
 * each datagram to the same ports with the address. Resolves when it listens and behaves as `ok`.
 */
export async function startRealServer(host: Host, ports: readonly number[] = [80]): Promise<RealServer> {
  const program = join(__dirname, 'realserver.mjs');
  const child = startOn(host, process.execPath, [program, host.address, ...ports.map(String)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const behave = async (behaviour: Behaviour) => {
    const done = once(child, 'message');
    child.send(behaviour);
    await done;
  };
  await once(child, 'message');
  await behave('ok');
  return { host, behave, stop: () => end(child) };
}

/** Ends a process and resolves when it is gone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}
