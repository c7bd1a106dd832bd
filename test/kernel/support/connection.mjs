// A client that keeps one connection: `node connection.mjs ADDRESS PORT`, told over IPC to ask. See connection.ts.
import { connect } from 'node:net';

const [address, port] = process.argv.slice(2);
let answer = '';

const socket = connect(Number(port), address, () => process.send({ connected: true }));
socket.setEncoding('latin1').on('data', (text) => {
  answer += text;
  // Node's server sends a short body in one chunk: its length, it, and a chunk of none.
  const [, body] = /\r\n\r\n[0-9a-f]+\r\n(.*)\r\n0\r\n\r\n$/s.exec(answer) ?? [];
  if (body === undefined) return;
  answer = '';
  process.send({ body: body.trimEnd() });
});
socket.on('error', ({ code }) => process.send({ error: code }));
socket.on('end', () => process.send({ error: 'closed' }));

process.on('message', () => socket.write(`GET / HTTP/1.1\r\nHost: ${address}\r\n\r\n`));
process.on('disconnect', () => process.exit());
