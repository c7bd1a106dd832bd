import { randomFillSync } from 'node:crypto';
import type { Deadline } from '../core/deadline.ts';
import { EPOLLIN } from './constants.ts';
import { hasLostInterface, openEchoSocket } from './echo-socket.ts';
import {
  decodeAnswer,
  type EchoAnswer,
  headerBytes,
  type IcmpVersion,
  messageAt,
  writeHeader,
} from './icmp-message.ts';
import type { Libc } from './libc.ts';
import type { Path } from './path.ts';
import type { Reactor } from './reactor.ts';
import { addressAt, addressBytes, socketAddressOf } from './socket-address.ts';

/** What came of an echo request: the reply, what a router said, `over` when the time was up, or why it was not sent. */
export type Echoed = { readonly rttMs: number } | { readonly refusal: string } | 'over' | Error;

/** A socket for echo requests, and those that are on their way. */
export interface EchoLine {
  /** Sends a request, and resolves it; with `over` once all that had arrived by its deadline was read. Throws as libc does. */
  send(address: string, deadline: Deadline, resolve: (outcome: Echoed) => void): void;
  /** Whether nothing was sent for a minute, and nothing is awaited. */
  isIdle(): boolean;
  /** Whether its interface is gone, or has been made anew: nothing can be sent any more. */
  hasLostInterface(): boolean;
  /** What is awaited ends with its deadline. */
  close(): void;
}

/**
 * One that is on its way. A class: objects of a literal that lived long for a while, as with 10,000 at once, V8 comes to
 * put among the old ones, where each keeps alive for seconds what it has led to.
 */
class Request {
  readonly sequence: number;
  /** The address that it goes to. */
  readonly to: Uint8Array;
  /** Where its payload is, and from which byte on. */
  readonly payloads: Uint8Array;
  readonly at: number;
  readonly sentMs: number;
  readonly deadline: Deadline;
  readonly resolve: (outcome: Echoed) => void;

  constructor(
    sequence: number,
    to: Uint8Array,
    payloads: Uint8Array,
    at: number,
    deadline: Deadline,
    resolve: (outcome: Echoed) => void,
  ) {
    this.sequence = sequence;
    this.to = to;
    this.payloads = payloads;
    this.at = at;
    this.sentMs = performance.now();
    this.deadline = deadline;
    this.resolve = resolve;
  }
}

const payloadBytes = 56;
const payloadsAtOnce = 64;
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
  const message = new Uint8Array(headerBytes + payloadBytes);
  const packet = new Uint8Array(2048);
  const from = new Uint8Array(28);
  let payloads = new Uint8Array(0);
  let drawn = 0;
  let awaited = 0;
  let sequence = -1;
  let lastSentMs = performance.now();
  let isOpen = true;

  const settle = (request: Request, outcome: Echoed) => {
    pending[request.sequence] = undefined;
    awaited -= 1;
    request.deadline.onOver = undefined;
    request.resolve(outcome);
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
    const begin = socket.isRaw && version === 'ipv4' ? messageAt(packet, length) : 0;
    const answer = begin === undefined ? undefined : decodeAnswer(version, packet, begin, length);
    // The kernel gives a datagram socket an id of its own, and hands it only what has that.
    if (answer === undefined || (socket.isRaw && answer.id !== id)) return;
    const request = pending[answer.sequence];
    if (request === undefined || !answers(answer, request, version, packet, from)) return;
    const { error } = answer;
    settle(request, error ? { refusal: error.words } : { rttMs: performance.now() - request.sentMs });
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

  const giveUp = (request: Request) => {
    readUpTo(readsAtDeadline);
    if (pending[request.sequence] === request) settle(request, 'over');
  };

  /** Random payloads are drawn in bulk: the generator takes as long for one as the kernel for the request. */
  const drawPayload = () => {
    if (drawn === payloads.length) {
      payloads = randomFillSync(new Uint8Array(payloadsAtOnce * payloadBytes));
      drawn = 0;
    }
    for (let index = 0; index < payloadBytes; index++) message[headerBytes + index] = payloads[drawn + index] ?? 0;
    drawn += payloadBytes;
    return drawn - payloadBytes;
  };

  let name: number;
  try {
    name = reactor.add(socket.fd, EPOLLIN, () => readUpTo(readsAtOnce));
  } catch (error) {
    libc.close(socket.fd);
    throw error;
  }

  return {
    send: (address, deadline, resolve) => {
      do sequence = (sequence + 1) & 0xffff;
      while (pending[sequence] !== undefined);
      const at = drawPayload();
      writeHeader(message, version, { id, sequence });
      const to = addressBytes(address);
      const request = new Request(sequence, to, payloads, at, deadline, resolve);
      libc.sendto(socket.fd, message, socketAddressOf(to, 0));
      lastSentMs = request.sentMs;
      pending[sequence] = request;
      awaited += 1;
      deadline.onOver = () => giveUp(request);
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

/**
 * Whether an answer is to this request: a reply comes from where the request went and has all that it carried; an error
 * comes from anywhere, and says where the request was to go and the beginning of what it carried.
 */
function answers(
  { error, payloadAt, payloadEnd }: EchoAnswer,
  { to, payloads, at }: Request,
  version: IcmpVersion,
  packet: Uint8Array,
  from: Uint8Array,
): boolean {
  const length = payloadEnd - payloadAt;
  if (error === undefined) {
    if (length !== payloadBytes || !isEqual(from, addressAt[version], to, 0, to.length)) return false;
    return isEqual(packet, payloadAt, payloads, at, payloadBytes);
  }
  if (length < quotedBytes || !isEqual(packet, error.toAt, to, 0, to.length)) return false;
  return isEqual(packet, payloadAt, payloads, at, Math.min(length, payloadBytes));
}

/** Whether `a` has so many bytes of `b`, from where each begins. */
function isEqual(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number, length: number): boolean {
  for (let index = 0; index < length; index++) if (a[aAt + index] !== b[bAt + index]) return false;
  return true;
}
