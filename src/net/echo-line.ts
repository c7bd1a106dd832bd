import { randomFillSync } from 'node:crypto';
import { EPOLLIN } from './constants.ts';
import { type EchoSocket, hasLostInterface, openEchoSocket } from './echo-socket.ts';
import {
  decodeAnswer,
  type EchoAnswer,
  headerBytes,
  type IcmpVersion,
  unwrapIpv4,
  writeRequest,
} from './icmp-message.ts';
import type { Libc } from './libc.ts';
import type { Path } from './path.ts';
import type { Reactor } from './reactor.ts';
import { addressAt, addressBytes, socketAddress } from './socket-address.ts';

/** What came of an echo request: the reply, what a router said, `over` when the time was up, or why it was not sent. */
export type Echoed = { readonly rttMs: number } | { readonly refusal: string } | 'over' | Error;

/** A socket for echo requests, and those that are on their way. */
export interface EchoLine {
  /**
   * Returns what takes the request back, once all that has arrived was read; that returns false when it had come to an
   * end before. Throws as libc does.
   */
  send(address: string, settle: (outcome: Echoed) => void): () => boolean;
  /** Whether nothing was sent for a minute, and nothing is awaited. */
  isIdle(): boolean;
  /** Whether its interface is gone, or has been made anew: nothing can be sent any more. */
  hasLostInterface(): boolean;
  /** What is awaited ends with its deadline. */
  close(): void;
}

interface Request {
  /** The address that it went to. */
  readonly to: Uint8Array;
  readonly payload: Uint8Array;
  readonly sentMs: number;
  readonly settle: (outcome: Echoed) => void;
}

const payloadBytes = 56;
/** How much of it an error must quote to be believed. RFC 792 asks routers for none of it, RFC 1812, 4.3.2.3, for all. */
const quotedBytes = 8;
const idleLimitMs = 60_000;
/** The socket has an error for one call; where each call fails, nothing comes any more. */
const failuresAtOnce = 8;
/** Before others have their turn. */
const readsAtOnce = 256;
/** Before a request is given up: more than the buffer of the socket holds. */
const readsAtDeadline = 16_384;

export function openEchoLine(libc: Libc, reactor: Reactor, version: IcmpVersion, path: Path): EchoLine {
  const socket = openEchoSocket(libc, version, path);
  /** By sequence number. An array: what a `Map` has let go of, its old tables keep alive for as long as they are not collected. */
  const pending: (Request | undefined)[] = [];
  const [id = 0] = randomFillSync(new Uint16Array(1));
  const nextPayload = createPayloads();
  const message = new Uint8Array(headerBytes + payloadBytes);
  const packet = new Uint8Array(2048);
  const from = new Uint8Array(28);
  let awaited = 0;
  let sequence = -1;
  let lastSentMs = performance.now();
  let isOpen = true;

  const forget = (own: number) => {
    pending[own] = undefined;
    awaited -= 1;
  };
  const receive = (): number | undefined | 'failed' => {
    try {
      return libc.recvfrom(socket.fd, packet, from);
    } catch {
      // What was pending on the socket itself, ENETDOWN or ENOBUFS say: it is of no request, as the kernel tells ICMP
      // errors to sockets that are connected, or have IP_RECVERR. A reply may be behind it.
      return 'failed';
    }
  };
  const take = (length: number) => {
    const answer = read(socket, version, packet.subarray(0, length));
    // The kernel gives a datagram socket an id of its own, and hands it only what has that.
    if (answer === undefined || (socket.isRaw && answer.id !== id)) return;
    const request = pending[answer.sequence];
    if (request === undefined || !answers(answer, request, version, from)) return;
    forget(answer.sequence);
    if (answer.error === undefined) request.settle({ rttMs: performance.now() - request.sentMs });
    else request.settle({ refusal: answer.error.words });
  };
  const readUpTo = (limit: number) => {
    let failures = 0;
    for (let reads = 0; reads < limit && failures < failuresAtOnce && isOpen; reads++) {
      const length = receive();
      if (length === undefined) return;
      if (length === 'failed') failures += 1;
      else take(length);
    }
  };

  const giveUp = (own: number, request: Request) => {
    if (pending[own] !== request) return false;
    readUpTo(readsAtDeadline);
    if (pending[own] !== request) return false;
    forget(own);
    return true;
  };

  let name: number;
  try {
    name = reactor.add(socket.fd, EPOLLIN, () => readUpTo(readsAtOnce));
  } catch (error) {
    libc.close(socket.fd);
    throw error;
  }

  return {
    send: (address, settle) => {
      do sequence = (sequence + 1) & 0xffff;
      while (pending[sequence] !== undefined);
      const own = sequence;
      const payload = nextPayload();
      writeRequest(message, version, { id, sequence: own, payload });
      const sentMs = performance.now();
      libc.sendto(socket.fd, message, socketAddress(address, 0));
      lastSentMs = sentMs;
      const request = { to: addressBytes(address), payload, sentMs, settle };
      pending[own] = request;
      awaited += 1;
      return () => giveUp(own, request);
    },
    isIdle: () => awaited === 0 && performance.now() - lastSentMs > idleLimitMs,
    hasLostInterface: () => hasLostInterface(libc, socket, path),
    close: () => {
      isOpen = false;
      reactor.remove(name);
      libc.close(socket.fd);
    },
  };
}

function read({ isRaw }: EchoSocket, version: IcmpVersion, packet: Uint8Array): EchoAnswer | undefined {
  const message = isRaw && version === 'ipv4' ? unwrapIpv4(packet) : packet;
  return message && decodeAnswer(version, message);
}

/**
 * Whether an answer is to this request: a reply comes from where the request went and has all that it carried; an error
 * comes from anywhere, and says where the request was to go and the beginning of what it carried.
 */
function answers({ error, payload }: EchoAnswer, request: Request, version: IcmpVersion, from: Uint8Array): boolean {
  const { to } = request;
  if (error === undefined) {
    if (payload.length !== payloadBytes || !isEqual(from, addressAt[version], to, to.length)) return false;
    return isEqual(payload, 0, request.payload, payloadBytes);
  }
  const quoted = Math.min(payload.length, payloadBytes);
  if (quoted < quotedBytes || error.to.length !== to.length) return false;
  return isEqual(error.to, 0, to, to.length) && isEqual(payload, 0, request.payload, quoted);
}

/** Whether `a` has so many bytes of `b` from `begin` on. Without a view of them: to make one costs more than to compare. */
function isEqual(a: Uint8Array, begin: number, b: Uint8Array, length: number): boolean {
  for (let index = 0; index < length; index++) if (a[begin + index] !== b[index]) return false;
  return true;
}

const payloadsAtOnce = 64;

/** Random payloads, drawn in bulk: the generator takes as long for one as the kernel for the request. */
function createPayloads(): () => Uint8Array {
  let drawn = new Uint8Array(0);
  let used = 0;
  return () => {
    if (used === drawn.length) {
      drawn = randomFillSync(new Uint8Array(payloadsAtOnce * payloadBytes));
      used = 0;
    }
    used += payloadBytes;
    return drawn.subarray(used - payloadBytes, used);
  };
}
