import { randomFillSync } from 'node:crypto';
import { familyOf, ipToBytes } from '../core/address.ts';
import type { Deadline } from '../core/deadline.ts';
import { EPOLLIN } from './constants.ts';
import { type EchoSocket, openEchoSocket } from './echo-socket.ts';
import { decodeAnswer, type EchoAnswer, encodeRequest, type IcmpVersion, unwrapIpv4 } from './icmp-message.ts';
import type { Libc } from './libc.ts';
import type { Path } from './path.ts';
import type { Reactor } from './reactor.ts';
import { socketAddress } from './socket-address.ts';

/** What came of an echo request: the reply, what a router said, `over` when the time was up, or why it was not sent. */
export type Echoed = { readonly rttMs: number } | { readonly refusal: string } | 'over' | Error;

/** Sends one echo request. Never rejects; answers that come later are nobody's. */
export type Echo = (address: string, path: Path, deadline: Deadline) => Promise<Echoed>;

/** Echo requests to all targets go over one socket for each family and path, which is kept. */
export function createEcho(libc: Libc, reactor: Reactor): Echo {
  const lines = new Map<string, Line>();

  const lineFor = (version: IcmpVersion, path: Path): Line => {
    const key = `${version} ${path.source} ${path.interface} ${path.mark}`;
    const line = lines.get(key) ?? openLine(libc, reactor, version, path);
    lines.set(key, line);
    return line;
  };

  return (address, path, deadline) =>
    new Promise((resolve) => {
      if (deadline.isOver) return resolve('over');
      try {
        const line = lineFor(familyOf(address), path);
        const forget = line.send(address, (outcome) => {
          deadline.onOver = undefined;
          resolve(outcome);
        });
        deadline.onOver = () => {
          reactor.poll();
          if (forget()) resolve('over');
        };
      } catch (error) {
        resolve(error as Error);
      }
    });
}

interface Line {
  /** Returns what takes the request back; that returns false when it had come to an end before. Throws as libc does. */
  send(address: string, settle: (outcome: Echoed) => void): () => boolean;
}

interface Request {
  readonly ip: Uint8Array;
  readonly payload: Uint8Array;
  readonly sentMs: number;
  readonly settle: (outcome: Echoed) => void;
}

const payloadBytes = 56;
/** Datagrams that are read before others have their turn. */
const readsAtOnce = 256;

function openLine(libc: Libc, reactor: Reactor, version: IcmpVersion, path: Path): Line {
  const socket = openEchoSocket(libc, version, path);
  const pending = new Map<number, Request>();
  const [id = 0, firstSequence = 0] = randomFillSync(new Uint16Array(2));
  const packet = new Uint8Array(2048);
  const from = new Uint8Array(28);
  let sequence = firstSequence;

  const receive = (): number | undefined => {
    try {
      return libc.recvfrom(socket.fd, packet, from);
    } catch {
      // Of an earlier request; the next call has what comes after. Whose it was is for its deadline to tell.
      return undefined;
    }
  };
  const take = (length: number) => {
    const answer = read(socket, version, packet.subarray(0, length));
    // The kernel gives a datagram socket an id of its own, and hands it only what has that.
    if (answer === undefined || (socket.isRaw && answer.id !== id)) return;
    const request = pending.get(answer.sequence);
    if (request === undefined || !answers(answer, request, addressIn(version, from))) return;
    pending.delete(answer.sequence);
    if (answer.error === undefined) request.settle({ rttMs: performance.now() - request.sentMs });
    else request.settle({ refusal: answer.error.words });
  };

  const ready = () => {
    for (let reads = 0; reads < readsAtOnce; reads++) {
      const length = receive();
      if (length === undefined) return;
      take(length);
    }
  };
  reactor.add(socket.fd, EPOLLIN, { ready });

  return {
    send: (address, settle) => {
      do sequence = (sequence + 1) & 0xffff;
      while (pending.has(sequence));
      const own = sequence;
      const payload = randomFillSync(new Uint8Array(payloadBytes));
      const message = encodeRequest(version, { id, sequence: own, payload });
      const sentMs = performance.now();
      libc.sendto(socket.fd, message, socketAddress(address, 0));
      pending.set(own, { ip: ipToBytes(address), payload, sentMs, settle });
      return () => pending.delete(own);
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
function answers({ error, payload }: EchoAnswer, request: Request, from: Uint8Array): boolean {
  if (error === undefined) return isEqual(from, request.ip) && isEqual(payload, request.payload);
  const quoted = Math.min(payload.length, payloadBytes);
  return isEqual(error.to, request.ip) && isEqual(payload.subarray(0, quoted), request.payload.subarray(0, quoted));
}

/** The address in a `struct sockaddr_in` or `sockaddr_in6`. */
function addressIn(version: IcmpVersion, bytes: Uint8Array): Uint8Array {
  return version === 'ipv4' ? bytes.subarray(4, 8) : bytes.subarray(8, 24);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
