import { formatEndpoint } from '../src/core/address.ts';
import type { Deadline } from '../src/core/deadline.ts';
import { fail, type Observation, type Phases, pass } from '../src/core/observation.ts';
import { engine } from '../src/net/engine.ts';
import { longestRequest } from '../src/net/wire.ts';
import { bodyMismatch } from './lib/body.ts';
import { type Endpoint, endpointOf, keep, release, take } from './lib/endpoint.ts';
import { judge } from './lib/fault.ts';
import type { Answer, HttpConnection, Outcome } from './lib/http-connection.ts';
import { LibcConnection } from './lib/http-libc.ts';
import { type HttpOptions, httpOptions } from './lib/http-options.ts';
import { connect, secure, unconnected } from './lib/socket.ts';
import { includesStatus } from './lib/status.ts';
import { type Stopwatch, stopwatch } from './lib/stopwatch.ts';
import { defineProbe } from './probe.ts';

/** Asks once; redirects are not followed and no proxy is used. */
export const http = defineProbe({
  type: 'http',
  summary: 'Passes when the server answers an HTTP request with the expected status and body.',
  needsPort: true,
  options: httpOptions,
  load,

  run(server, options, deadline) {
    const endpoint = endpointOf(server, options);
    const watch = stopwatch();
    const kept = take(endpoint);
    return kept === undefined ? askAnew(endpoint, deadline, watch) : askAgain(kept, endpoint, deadline, watch);
  },

  release,
});

let loaded: Promise<typeof import('./lib/http-undici.ts')> | undefined;

function load(): NonNullable<typeof loaded> {
  loaded ??= import('./lib/http-undici.ts');
  return loaded;
}

async function askAgain(
  kept: HttpConnection,
  endpoint: Endpoint,
  deadline: Deadline,
  watch: Stopwatch,
): Promise<Observation> {
  const outcome = await kept.ask(endpoint.question, deadline, watch);
  if (outcome === 'over' || !('error' in outcome) || kept.isAnswered) return conclude(kept, endpoint, outcome, watch);
  // The server has closed it meanwhile, as every server may. The request is one that may be sent again: RFC 9110,
  // section 9.2.2.
  kept.close();
  return askAnew(endpoint, deadline, watch);
}

/** Sockets of libc are for requests that are short and in plain text; Node's and undici for the rest. */
function askAnew(endpoint: Endpoint, deadline: Deadline, watch: Stopwatch): Promise<Observation> {
  const { target, tls, question } = endpoint;
  const libc = tls === undefined && question.bytes.length <= longestRequest ? engine() : undefined;
  if (libc === undefined) return askByNode(endpoint, deadline, watch);
  const connection = new LibcConnection(libc.openWire, target, load);
  return connection.ask(question, deadline, watch).then((outcome) => conclude(connection, endpoint, outcome, watch));
}

async function askByNode(endpoint: Endpoint, deadline: Deadline, watch: Stopwatch): Promise<Observation> {
  const { target, tls, question } = endpoint;
  const { UndiciConnection } = await load();
  const plain = await connect(target, deadline, watch);
  if (!plain.ok) return plain.observation;
  const isResuming = tls?.session?.resumable !== undefined;
  const ready = tls === undefined ? plain : await secure(plain.socket, tls, deadline, watch);
  if (!ready.ok && isResuming && !deadline.isOver) {
    // Some servers offer sessions and cannot resume them: what a whole handshake comes to is what counts.
    tls?.session?.distrust();
    return askByNode(endpoint, deadline, watch);
  }
  if (!ready.ok) return ready.observation;
  const connection = new UndiciConnection(plain.socket, ready.socket);
  return conclude(connection, endpoint, await connection.ask(question, deadline, watch), watch);
}

/** What the outcome says of the target. The connection is kept, or closed. Throws `Unlearned` when the fault is ours. */
function conclude(
  connection: HttpConnection,
  endpoint: Endpoint,
  outcome: Outcome,
  { phases }: Stopwatch,
): Observation {
  const { target, options } = endpoint;
  if (outcome === 'over' || 'error' in outcome) {
    connection.close();
    if (!connection.isConnected) return unconnected(outcome === 'over' ? outcome : outcome.error, target, phases);
    if (outcome === 'over') return fail('L7TOUT', progress(phases), phases);
    return judge('L7', outcome.error, `ask ${formatEndpoint(target)}`, phases);
  }
  const observation = judgeAnswer(outcome, options, phases);
  if (!observation.pass || !keep(endpoint, connection)) connection.close();
  return observation;
}

function judgeAnswer({ status, body }: Answer, { expect }: HttpOptions, phases: Phases): Observation {
  const words = `status ${status}`;
  if (!includesStatus(expect.status, status)) return fail('L7STS', words, phases);
  const mismatch = expect.body && bodyMismatch(body, expect.body);
  return mismatch === undefined ? pass('L7OK', words, phases) : fail('L7RSP', mismatch, phases);
}

function progress(phases: Phases): string {
  return 'processing' in phases ? 'response not complete in time' : 'no response in time';
}
