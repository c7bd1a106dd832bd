import type { Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import { formatEndpoint } from '../src/core/address.ts';
import type { Target } from '../src/core/config.ts';
import { fail, type Observation, pass } from '../src/core/observation.ts';
import { bodyMismatch } from './lib/body.ts';
import { codeOf, judge } from './lib/fault.ts';
import { type HttpOptions, httpOptions, nameOf } from './lib/http-options.ts';
import { connect, drop, type Opened, secure } from './lib/socket.ts';
import { includesStatus } from './lib/status.ts';
import { type Stopwatch, stopwatch } from './lib/stopwatch.ts';
import { defineProbe } from './probe.ts';

/** Asks once, on a connection of its own; redirects are not followed and no proxy is used. */
export const http = defineProbe({
  type: 'http',
  summary: 'Passes when the server answers an HTTP request with the expected status and body.',
  needsPort: true,
  options: httpOptions,

  async run({ address, port }, options, { signal }) {
    const watch = stopwatch();
    const target = { address, port: options.port ?? port };
    const plain = await connect(target, signal, watch);
    if (!plain.ok) return plain.observation;
    try {
      const ready = await startTls(plain.socket, target, options, signal, watch);
      return ready.ok ? await exchange(ready.socket, target, options, signal, watch) : ready.observation;
    } finally {
      drop(plain.socket);
    }
  },
});

async function startTls(
  socket: Socket,
  { address }: Target,
  { tls, host }: HttpOptions,
  signal: AbortSignal,
  watch: Stopwatch,
): Promise<Opened<Socket>> {
  if (tls === false) return { ok: true, socket };
  const authority = tls.server_name ?? host;
  const name = authority === undefined ? address : nameOf(authority);
  return secure(socket, { name, verify: tls.verify, ca: tls.ca }, signal, watch);
}

/** Sends the request over the socket and judges the answer. Rejects with `Unlearned` when the fault is ours. */
async function exchange(
  socket: Socket,
  target: Target,
  options: HttpOptions,
  signal: AbortSignal,
  watch: Stopwatch,
): Promise<Observation> {
  const client = clientOver(socket);
  limitReading(socket, options.max_bytes);
  try {
    const response = await client.request({ ...requestTo(target, options), signal });
    watch.lap('processing');
    return await judgeResponse(response, socket, options, watch);
  } catch (error) {
    if (signal.aborted) return fail('L7TOUT', progress(watch), watch.phases);
    return judge('L7', error, `ask ${formatEndpoint(target)}`, watch.phases);
  } finally {
    void client.destroy();
  }
}

/** Headers, early answers and the frames of chunks have room in it, and what is read ahead of a body. */
const overheadBytes = 256 * 1024;

/** Whatever a server sends beside the body, it does not keep us reading until the deadline. */
function limitReading(socket: Socket, maxBytes: number): void {
  const limit = maxBytes + overheadBytes;
  socket.on('readable', () => {
    if (socket.bytesRead > limit) socket.destroy(new Error(`more than ${limit} bytes`));
  });
}

/** A client for one request over a socket that is ready. The deadline is the runner's alone. */
function clientOver(socket: Socket): Client {
  return new Client('http://server', {
    // Undici forgets the request when the socket is handed over before it has returned from asking for it; and it asks
    // for another when it loses one that the request had not used: what it had was all there is.
    connect: (_options, handOver) =>
      queueMicrotask(() => (socket.destroyed ? handOver(lossOf(socket), null) : handOver(null, socket))),
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

function requestTo(target: Target, { method, path, host, headers, body, tls }: HttpOptions): Dispatcher.RequestOptions {
  const authority = host ?? authorityOf(target, tls === false ? 80 : 443);
  return {
    method,
    path,
    headers: { 'user-agent': 'lvsd', accept: '*/*', 'accept-encoding': 'identity', ...headers, host: authority },
    body: body ?? null,
    reset: true,
  };
}

async function judgeResponse(
  { statusCode, body }: Dispatcher.ResponseData,
  socket: Socket,
  { expect, max_bytes }: HttpOptions,
  watch: Stopwatch,
): Promise<Observation> {
  const status = `status ${statusCode}`;
  if (!includesStatus(expect.status, statusCode)) return fail('L7STS', status, watch.phases);
  const content = await readAtMost(body, max_bytes);
  // Undici takes a reset for the end of a body that has no length of its own.
  if (codeOf(socket.errored) === 'ECONNRESET') throw socket.errored;
  watch.lap('transfer');
  const mismatch = expect.body && bodyMismatch(content, expect.body);
  return mismatch === undefined ? pass('L7OK', status, watch.phases) : fail('L7RSP', mismatch, watch.phases);
}

async function readAtMost(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= maxBytes) break;
  }
  return Buffer.concat(chunks, Math.min(length, maxBytes));
}

function authorityOf({ address, port }: Target, defaultPort: number): string {
  const authority = formatEndpoint({ address, port });
  return port === defaultPort ? authority.slice(0, -`:${port}`.length) : authority;
}

function progress({ phases }: Stopwatch): string {
  return 'processing' in phases ? 'response not complete in time' : 'no response in time';
}

function lossOf(socket: Socket): Error {
  // Without a code: undici would try again for ever after one of its own.
  return new Error(socket.errored?.message ?? 'connection closed before the request was sent');
}
