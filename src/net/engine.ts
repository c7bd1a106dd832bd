import type { EngineName } from '../core/snapshot.ts';
import { createEcho, type Echo } from './echo.ts';
import { type Libc, libcFault, loadLibc } from './libc.ts';
import { createReactor } from './reactor.ts';
import { type ConnectTcp, createConnect } from './tcp.ts';
import { TcpSockets } from './tcp-sockets.ts';
import { createOpenWire, type OpenWire } from './wire.ts';

/** Probing on sockets of libc. */
export interface Engine {
  readonly connect: ConnectTcp;
  readonly openWire: OpenWire;
  readonly echo: Echo;
}

/** The engine that is in use: undefined where probes are to use what Node has. Started at the first call. */
export function engine(): Engine | undefined {
  const libc = isNodeWanted ? undefined : loadLibc();
  return libc && (started ?? start(libc));
}

export function engineName(): EngineName {
  return isNodeWanted || loadLibc() === undefined ? 'node' : 'libc';
}

/**
 * Why probes, or those by ICMP, are not made on sockets of libc, in words: undefined where they are, or where Node's are
 * what is wanted.
 */
export function engineFault(): string | undefined {
  return isNodeWanted ? undefined : (libcFault() ?? echoFault());
}

function echoFault(): string | undefined {
  const [refusal] = echoRefusals.values();
  return refusal === undefined ? undefined : `ICMP by the program ping: ${refusal}`;
}

/** Has probes use what Node has even where libc could be used, or no longer. */
export function preferNode(isWanted: boolean): void {
  isNodeWanted = isWanted;
}

let isNodeWanted = false;
let started: Engine | undefined;
const echoRefusals = new Map<string, string>();

function start(libc: Libc): Engine {
  try {
    const reactor = createReactor(libc);
    const sockets = new TcpSockets(libc, reactor);
    started = {
      connect: createConnect(sockets),
      openWire: createOpenWire(sockets),
      echo: createEcho(libc, reactor, echoRefusals),
    };
    return started;
  } catch (error) {
    // What koffi itself throws says nothing that a check could judge.
    if ((error as NodeJS.ErrnoException).errno === undefined) throw error;
    return failing(error as Error);
  }
}

/** What runs come to while there are no descriptors for the engine itself: the next call tries to start it again. */
function failing(error: Error): Engine {
  const fail = async () => error;
  return {
    connect: fail,
    openWire: () => ({ isAnswered: false, isClosed: true, ask: fail, close: () => {} }),
    echo: fail,
  };
}
