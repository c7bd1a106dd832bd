import { familyOf } from '../core/address.ts';
import type { Deadline } from '../core/deadline.ts';
import { type Echoed, type EchoLine, openEchoLine } from './echo-line.ts';
import type { Libc } from './libc.ts';
import type { Path } from './path.ts';
import type { Reactor } from './reactor.ts';

/** Sends one echo request. Never rejects; answers that come later are nobody's. */
export type Echo = (address: string, path: Path, deadline: Deadline) => Promise<Echoed>;

/** Echo requests to all targets go over one socket for each family and path, which is kept. */
export function createEcho(libc: Libc, reactor: Reactor): Echo {
  const lines = new Map<string, EchoLine>();

  const end = (key: string, line: EchoLine) => {
    lines.delete(key);
    line.close();
  };
  /** Those of paths that have left the configuration, as a rule. */
  const endIdle = () => {
    for (const [key, line] of lines) if (line.isIdle()) end(key, line);
  };
  const send = (address: string, path: Path, settle: (outcome: Echoed) => void) => {
    const version = familyOf(address);
    const key = `${version} ${path.source} ${path.interface} ${path.mark}`;
    const known = lines.get(key);
    try {
      if (known !== undefined) return known.send(address, settle);
    } catch (error) {
      if (!known?.hasLostInterface()) throw error;
      end(key, known);
    }
    endIdle();
    const line = openEchoLine(libc, reactor, version, path);
    lines.set(key, line);
    return line.send(address, settle);
  };

  return (address, path, deadline) =>
    new Promise((resolve) => {
      if (deadline.isOver) return resolve('over');
      try {
        const giveUp = send(address, path, (outcome) => {
          deadline.onOver = undefined;
          resolve(outcome);
        });
        deadline.onOver = () => {
          if (giveUp()) resolve('over');
        };
      } catch (error) {
        resolve(error as Error);
      }
    });
}
