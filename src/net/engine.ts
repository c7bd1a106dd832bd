import type { EngineName } from '../core/snapshot.ts';
import { createEcho, type Echo } from './echo.ts';
import { loadLibc } from './libc.ts';
import { createReactor } from './reactor.ts';
import { type ConnectTcp, createConnect } from './tcp.ts';

/** Probing on sockets of libc. */
export interface Engine {
  readonly connect: ConnectTcp;
  readonly echo: Echo;
}

/** The engine that is in use: undefined where probes are to use what Node has. Loaded at the first call. */
export function engine(): Engine | undefined {
  if (isNodeWanted) return undefined;
  loaded ??= { engine: load() };
  return loaded.engine;
}

export function engineName(): EngineName {
  return engine() === undefined ? 'node' : 'libc';
}

/** Has probes use what Node has even where libc could be used, or no longer. */
export function preferNode(isWanted: boolean): void {
  isNodeWanted = isWanted;
}

let isNodeWanted = false;
let loaded: { readonly engine: Engine | undefined } | undefined;

function load(): Engine | undefined {
  const libc = loadLibc();
  if (libc === undefined) return undefined;
  const reactor = createReactor(libc);
  return { connect: createConnect(libc, reactor), echo: createEcho(libc, reactor) };
}
