import type { Target } from '../../src/core/config.ts';
import type { IdleConnections, IdleListener } from '../../src/run/idle.ts';

/** Idle connections without a network: the test says how servers take them, and ends them. */
export interface HeldConnections extends IdleConnections {
  /** How often a connection to an address was asked for. */
  asked(address: string): number;
  /** Where the last connection to an address was to come from. */
  source(address: string): string | undefined;
  /** The addresses to which a connection is open or being made, sorted. */
  held(): readonly string[];
  /** Ends the connection to an address as a server does that closes or dies. */
  end(address: string, code?: string): void;
}

/** `answer`: that of a server, one turn of the loop later. `silent`: none comes. */
export function createHeldConnections(
  answer: (target: Target) => 'opened' | 'silent' | `E${string}`,
  limit = 10_000,
): HeldConnections {
  const asked: string[] = [];
  const sources = new Map<string, string | undefined>();
  const held = new Map<string, IdleListener>();

  const end = (address: string, listener: IdleListener | undefined, code: string | undefined) => {
    if (listener === undefined || held.get(address) !== listener) return;
    held.delete(address);
    listener.ended(code);
  };

  return {
    limit,
    open: (target, source, listener) => {
      const { address } = target;
      if (held.has(address)) throw new Error(`There is a connection to ${address}`);
      asked.push(address);
      sources.set(address, source);
      held.set(address, listener);
      setImmediate(() => {
        const outcome = answer(target);
        if (outcome === 'silent') return;
        if (outcome !== 'opened') end(address, listener, outcome);
        else if (held.get(address) === listener) listener.opened();
      });
      return { close: () => void (held.get(address) === listener && held.delete(address)) };
    },
    asked: (address) => asked.filter((other) => other === address).length,
    source: (address) => sources.get(address),
    held: () => [...held.keys()].sort(),
    end: (address, code) => end(address, held.get(address), code),
  };
}
