import { connect } from 'node:net';
import type { Target } from '../core/config.ts';

/** A TCP connection on which nothing is sent. */
export interface IdleConnection {
  /** Ends it with a reset, so that it leaves nothing behind; nothing is told of it from then on. */
  close(): void;
}

export interface IdleListener {
  opened(): void;
  /** It is over, or could not be made. `code` is an errno name; undefined: the server closed it in good order. */
  ended(code: string | undefined): void;
}

/** How idle connections are made. */
export interface IdleConnections {
  /** From an address of this host, if one is named. Never calls the listener before it has returned. */
  open(target: Target, source: string | undefined, listener: IdleListener): IdleConnection;
  /** How many may be held. */
  readonly limit: number;
}

/** Whoever says more than this to one who says nothing is no server to wait at. */
const longestGreeting = 64 * 1024;

/** What servers say is not looked at: all of them may write it to one place. */
const scratch = Buffer.allocUnsafeSlow(4096);

/** Those of the kernel; `limit` is how many may be held. */
export function createIdleConnections(limit: number): IdleConnections {
  return { open, limit };
}

function open({ address, port }: Target, source: string | undefined, { opened, ended }: IdleListener): IdleConnection {
  let code: string | undefined;
  const isBearable = () => {
    if (socket.bytesRead > longestGreeting) socket.resetAndDestroy();
    return !socket.destroyed;
  };
  const localAddress = source === undefined ? {} : { localAddress: source };
  const socket = connect({ host: address, port, ...localAddress, onread: { buffer: scratch, callback: isBearable } });
  socket.once('connect', opened);
  socket.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code;
  });
  socket.once('close', () => ended(code));
  return {
    close: () => {
      socket.removeAllListeners('connect').removeAllListeners('close');
      // `resetAndDestroy` waits for a connection still being made.
      if (socket.connecting || socket.destroyed) socket.destroy();
      else socket.resetAndDestroy();
    },
  };
}
