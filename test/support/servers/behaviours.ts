import type { Socket } from 'node:net';
import type { Behaviour } from './listen.ts';

const okHead = 'HTTP/1.1 200 OK\r\n';

/** Answers every request with these bytes and closes. */
export function answer(response: string): Behaviour {
  return (socket) => socket.once('data', () => socket.end(response));
}

/** Answers with status 200 and this body. */
export function answerBody(body: string): Behaviour {
  return answer(`${okHead}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

/** Takes the request and says nothing. */
export const silence: Behaviour = (socket, reached) => {
  socket.once('data', reached).resume();
};

const dripHeader: Behaviour = (socket, reached) => {
  socket.once('data', () => drip(socket, `${okHead}x-`, 'a', reached));
};

const dripBody: Behaviour = (socket, reached) => {
  socket.once('data', () => drip(socket, `${okHead}content-length: 1000000\r\n\r\n`, 'a', reached));
};

const endlessStatusLine: Behaviour = (socket, reached) => {
  socket.once('data', () => pour(socket, 'HTTP/1.1 200 ', 'OK'.repeat(10_000), reached));
};

const endlessInformation: Behaviour = (socket, reached) => {
  socket.once('data', () => pour(socket, '', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1_000), reached));
};

const endlessHeaders: Behaviour = (socket, reached) => {
  socket.once('data', () => pour(socket, okHead, 'x-more: and more\r\n'.repeat(1_000), reached));
};

const endlessHeader: Behaviour = (socket, reached) => {
  socket.once('data', () => pour(socket, `${okHead}x-long: `, 'a'.repeat(20_000), reached));
};

const endlessBody: Behaviour = (socket, reached) => {
  socket.once('data', () => pour(socket, `${okHead}\r\n`, 'a'.repeat(20_000), reached));
};

const resetAtAccept: Behaviour = (socket) => {
  socket.resetAndDestroy();
};

const closeAtAccept: Behaviour = (socket) => {
  socket.resume().end();
};

/** Sends these bytes, waits until they have left, and resets the connection. */
function resetAfter(text: string): Behaviour {
  return (socket) =>
    socket.once('data', () => socket.write(text, () => setTimeout(() => socket.resetAndDestroy(), 20)));
}

const resetInHeader: Behaviour = resetAfter(`${okHead}x-header: a`);

/** Without a length, only the reset tells that the body was not all. */
const resetInBody: Behaviour = resetAfter(`${okHead}\r\nOK`);

const truncatedBody: Behaviour = answer(`${okHead}content-length: 10\r\n\r\nOK`);

const truncatedChunks: Behaviour = answer(`${okHead}transfer-encoding: chunked\r\n\r\n2\r\nOK\r\n`);

const garbage: Behaviour = answer('\x00\xff garbage \r\n\r\n');

/** Speaks first, as the servers of other protocols do, and then waits. */
const banner: Behaviour = (socket) => {
  socket.write('SSH-2.0-OpenSSH_9.2\r\n');
  socket.resume();
};

function drip(socket: Socket, head: string, byte: string, reached: () => void): void {
  let sent = 0;
  socket.write(head);
  const timer = setInterval(() => {
    socket.write(byte);
    sent += 1;
    if (sent === 10) reached();
  }, 5);
  socket.resume().once('close', () => clearInterval(timer));
}

function pour(socket: Socket, head: string, more: string, reached: () => void): void {
  let sent = 0;
  const write = () => {
    while (!socket.destroyed) {
      sent += more.length;
      if (sent > 500_000) reached();
      if (!socket.write(more)) return;
    }
  };
  socket.write(head);
  socket.on('drain', write).resume();
  write();
}

/** Servers that are up to no good, by what they do. */
export const bestiary = {
  silence,
  dripHeader,
  dripBody,
  endlessStatusLine,
  endlessInformation,
  endlessHeader,
  endlessHeaders,
  endlessBody,
  resetAtAccept,
  closeAtAccept,
  resetInHeader,
  resetInBody,
  truncatedBody,
  truncatedChunks,
  garbage,
  banner,
} as const satisfies Readonly<Record<string, Behaviour>>;
