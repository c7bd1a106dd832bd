import { isIP, connect as openTcp, Socket } from 'node:net';
import { checkServerIdentity, createSecureContext, connect as openTls, type TLSSocket } from 'node:tls';
import type { Target } from '../../src/core/config.ts';
import type { Deadline } from '../../src/core/deadline.ts';
import { fail, type Observation, type Phases } from '../../src/core/observation.ts';
import type { Path } from '../../src/net/path.ts';
import type { Left } from '../../src/net/wire.ts';
import { Unlearned } from '../probe.ts';
import { judge } from './fault.ts';
import { memo } from './memo.ts';
import type { Stopwatch } from './stopwatch.ts';
import type { TlsSession } from './tls-session.ts';

/** A step that opens something: the socket, or what its failure says about the target. */
export type Opened<Kind extends Socket> =
  | { readonly ok: true; readonly socket: Kind }
  | { readonly ok: false; readonly observation: Observation };

/** Connects to the target. Rejects with `Unlearned` when the fault is ours, as it is with a path that Node cannot take. */
export async function connect(
  target: Target,
  deadline: Deadline,
  watch: Stopwatch,
  path: Path = {},
): Promise<Opened<Socket>> {
  if (path.interface !== undefined || path.mark !== undefined) throw needsEngine(target);
  const localAddress = path.source === undefined ? {} : { localAddress: path.source };
  const socket = openTcp({ host: target.address, port: target.port, noDelay: true, ...localAddress });
  const outcome = await until(socket, 'connect', deadline);
  if (outcome === 'ready') {
    watch.lap('connect');
    return { ok: true, socket };
  }
  drop(socket);
  return refuse(unconnected(outcome, target, watch.phases));
}

/** What it means for the target that there is no connection to it. Throws `Unlearned` when the fault is ours. */
export function unconnected(outcome: 'over' | Error, { address, port }: Target, phases: Phases): Observation {
  if (outcome === 'over') return fail('L4TOUT', 'no connection in time', phases);
  return judge('L4', outcome, `connect to ${address} port ${port}`, phases);
}

/**
 * The socket of a connection that was left. The request was sent already: to write it again sends nothing, and has what
 * was read of the answer come again. Until then nothing is read.
 */
export class LeftSocket extends Socket {
  #left: Left | undefined;
  /** How much of the request is still to be written. */
  #unwritten: number;

  constructor(left: Left, requestLength: number) {
    // Node's own HTTP server and child processes have `manualStart`; its types have not.
    super({ fd: left.fd, readable: true, writable: true, ...{ manualStart: true } });
    this.setNoDelay();
    this.#left = left;
    this.#unwritten = requestLength;
    // Errors come late too, when nobody waits for one.
    this.on('error', () => {});
  }

  /** What was read of the answer before is still to come. */
  get isUnread(): boolean {
    return this.#left !== undefined;
  }

  override _write(chunk: Chunk['chunk'], encoding: BufferEncoding, done: () => void): void {
    if (this.#unwritten === 0) super._write(chunk, encoding, done);
    else this.#swallow(chunk.length, done);
  }

  override _writev(chunks: Chunk[], done: () => void): void {
    if (this.#unwritten === 0) super._writev?.(chunks, done);
    else
      this.#swallow(
        chunks.reduce((sum, { chunk }) => sum + chunk.length, 0),
        done,
      );
  }

  #swallow(length: number, done: () => void): void {
    this.#unwritten -= length;
    if (this.#unwritten === 0 && this.#left !== undefined) {
      this.unshift(this.#left.bytes);
      // At once, it would be read before the request is known to be on its way.
      if (this.#left.isEnded) process.nextTick(() => this.push(null));
      this.#left = undefined;
    }
    done();
  }
}

/** What is written: bytes, or text in latin1. */
interface Chunk {
  readonly chunk: Buffer | string;
  readonly encoding: BufferEncoding;
}

export interface TlsOptions {
  /** The name that the certificate must have, and that SNI sends unless it is an address (RFC 6066, section 3). */
  readonly name: string;
  readonly verify: boolean;
  /** PEM; undefined: the authorities that Node brings. */
  readonly ca: string | undefined;
  /** What is resumed; undefined: nothing is, and each handshake shows its certificate. */
  readonly session: TlsSession | undefined;
}

/** Starts TLS over a connected socket, which is dropped when that fails. Rejects with `Unlearned` as `connect` does. */
export async function secure(
  plain: Socket,
  { name, verify, ca, session }: TlsOptions,
  deadline: Deadline,
  watch: Stopwatch,
): Promise<Opened<TLSSocket>> {
  const socket = openTls({
    socket: plain,
    servername: isIP(name) === 0 ? name : '',
    secureContext: contextFor(ca ?? ''),
    rejectUnauthorized: verify,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    ALPNProtocols: ['http/1.1'],
    session: session?.resumable,
  });
  session?.follow(socket);
  const outcome = await until(socket, 'secureConnect', deadline);
  if (outcome === 'ready') {
    watch.lap('tls');
    return { ok: true, socket };
  }
  drop(plain);
  if (outcome === 'over') return refuse(fail('L6TOUT', 'TLS handshake not finished in time', watch.phases));
  return refuse(judge('L6', outcome, `start TLS with ${name}`, watch.phases));
}

/**
 * Ends a connection that is still open with a reset: closed in good order it would keep its source port in TIME_WAIT
 * for a minute, and a thousand probes a second would use the ports up.
 */
export function drop(socket: Socket): void {
  // `resetAndDestroy` waits for a connection still being made.
  if (socket.connecting || socket.destroyed) socket.destroy();
  else socket.resetAndDestroy();
}

const contextFor = memo((ca) => createSecureContext(ca === '' ? {} : { ca }));

function needsEngine({ address, port }: Target): Unlearned {
  return new Unlearned(
    'ENOTSUP',
    `Cannot connect to ${address} port ${port} by interface or mark: the package koffi is not there, and Node has neither`,
  );
}

function refuse(observation: Observation): { ok: false; observation: Observation } {
  return { ok: false, observation };
}

/** Waits for the event, an error or the deadline, whichever comes first. Errors that come later are nobody's. */
function until(socket: Socket, event: string, deadline: Deadline): Promise<'ready' | 'over' | Error> {
  return new Promise((resolve) => {
    const onOver = () => settle('over');
    const settle = (outcome: 'ready' | 'over' | Error) => {
      // Errors come late too, when another step waits for the deadline.
      if (deadline.onOver === onOver) deadline.onOver = undefined;
      resolve(outcome);
    };
    deadline.onOver = onOver;
    socket.once(event, () => settle('ready'));
    socket.on('error', settle);
    if (deadline.isOver) settle('over');
  });
}
