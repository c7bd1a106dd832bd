import { familyOf } from '../core/address.ts';
import type { Deadline } from '../core/deadline.ts';
import { type Echoed, type EchoLine, openEchoLine } from './echo-line.ts';
import { isForbidden } from './echo-socket.ts';
import type { IcmpVersion } from './icmp-message.ts';
import type { Libc } from './libc.ts';
import { isPlain, type Path } from './path.ts';
import type { Reactor } from './reactor.ts';

/** Sends one echo request. Never rejects; answers that come later are nobody's. */
export type Echo = (address: string, path: Path, deadline: Deadline) => Promise<Echoed>;

/** How often lines are looked at, for as long as there are any. */
const lookMs = 60_000;

/**
 * Echo requests to all targets go over one socket for each family and path, which is kept while it is in use. `refusals`
 * has, by family and path, why we may not open one.
 */
export function createEcho(libc: Libc, reactor: Reactor, refusals: Map<string, string>): Echo {
  const lines = new Map<string, EchoLine>();
  let looking: NodeJS.Timeout | undefined;

  const end = (key: string, line: EchoLine) => {
    lines.delete(key);
    line.close();
  };
  /** Those of checks that have left the configuration, as a rule: a raw socket goes on taking in what strangers ping. */
  const endIdle = () => {
    for (const [key, line] of lines) if (line.isIdle()) end(key, line);
    if (lines.size > 0) return;
    clearInterval(looking);
    looking = undefined;
  };
  const open = (key: string, version: IcmpVersion, path: Path) => {
    try {
      const line = openEchoLine(libc, reactor, version, path);
      refusals.delete(key);
      return line;
    } catch (error) {
      if (isForbidden(error)) refusals.set(key, (error as Error).message);
      throw error;
    }
  };
  const send = (address: string, path: Path, deadline: Deadline, resolve: (outcome: Echoed) => void) => {
    const version = familyOf(address);
    const key = isPlain(path) ? version : `${version} ${path.source} ${path.interface} ${path.mark}`;
    const known = lines.get(key);
    try {
      if (known !== undefined) return known.send(address, deadline, resolve);
    } catch (error) {
      if (!known?.hasLostInterface()) throw error;
      end(key, known);
    }
    const line = open(key, version, path);
    lines.set(key, line);
    looking ??= setInterval(endIdle, lookMs).unref();
    line.send(address, deadline, resolve);
  };

  return (address, path, deadline) =>
    new Promise((resolve) => {
      if (deadline.isOver) return resolve('over');
      try {
        send(address, path, deadline, resolve);
      } catch (error) {
        resolve(error as Error);
      }
    });
}
