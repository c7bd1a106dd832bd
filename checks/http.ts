import type { Socket } from 'node:net';
import { formatEndpoint } from '../src/core/address.ts';
import type { Target } from '../src/core/config.ts';
import type { Deadline } from '../src/core/deadline.ts';
import { fail, type Observation, type Phases, pass } from '../src/core/observation.ts';
import type { Ask } from '../src/net/ask.ts';
import { engine } from '../src/net/engine.ts';
import { bodyMismatch } from './lib/body.ts';
import { type Endpoint, endpointOf, keep, release, take } from './lib/endpoint.ts';
import { judge } from './lib/fault.ts';
import type { Answer, HttpConnection, Outcome } from './lib/http-connection.ts';
import { type HttpOptions, httpOptions } from './lib/http-options.ts';
import { RegularAnswer } from './lib/regular-answer.ts';
import { connect, LeftSocket, secure, unconnected } from './lib/socket.ts';
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

/** undici takes 20 MB and a tenth of a second: only for those who ask by HTTP. */
let loaded: Promise<typeof import('./lib/http-connection.ts')> | undefined;

function load(): NonNullable<typeof loaded> {
  loaded ??= import('./lib/http-connection.ts');
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

function askAnew(endpoint: Endpoint, deadline: Deadline, watch: Stopwatch): Promise<Observation> {
  const libc = endpoint.request && engine();
  return libc === undefined ? askByNode(endpoint, deadline, watch) : askByLibc(libc.ask, endpoint, deadline, watch);
}

async function askByNode(endpoint: Endpoint, deadline: Deadline, watch: Stopwatch): Promise<Observation> {
  const { target, tls } = endpoint;
  await load();
  const plain = await connect(target, deadline, watch);
  if (!plain.ok) return plain.observation;
  const ready = tls === undefined ? plain : await secure(plain.socket, tls, deadline, watch);
  if (!ready.ok) return ready.observation;
  return askOver(plain.socket, ready.socket, endpoint, deadline, watch);
}

async function askOver(
  transport: Socket,
  socket: Socket,
  endpoint: Endpoint,
  deadline: Deadline,
  watch: Stopwatch,
): Promise<Observation> {
  const { HttpConnection } = await load();
  const connection = new HttpConnection(transport, socket);
  return conclude(connection, endpoint, await connection.ask(endpoint.question, deadline, watch), watch);
}

/** At a third of the cost, as long as the answer is a regular one. Without an async function, as in `tcp`. */
function askByLibc(ask: Ask, endpoint: Endpoint, deadline: Deadline, watch: Stopwatch): Promise<Observation> {
  const { target, request = nothing, question, options } = endpoint;
  const { phases } = watch;
  const answer = new RegularAnswer(question, watch);
  return ask(target.address, target.port, request, answer, deadline).then((outcome) => {
    if (outcome === 'done') return judgeAnswer(answer, options, phases);
    if (outcome !== 'over' && 'fd' in outcome) {
      const socket = new LeftSocket(outcome);
      return askOver(socket, socket, endpoint, deadline, watch);
    }
    return answer.isConnected ? lost(outcome, target, phases) : unconnected(outcome, target, phases);
  });
}

/** What the outcome says of the target. The connection is kept, or closed. Throws `Unlearned` when the fault is ours. */
function conclude(
  connection: HttpConnection,
  endpoint: Endpoint,
  outcome: Outcome,
  { phases }: Stopwatch,
): Observation {
  if (outcome === 'over' || 'error' in outcome) {
    connection.close();
    return lost(outcome === 'over' ? outcome : outcome.error, endpoint.target, phases);
  }
  const observation = judgeAnswer(outcome, endpoint.options, phases);
  if (!observation.pass || !keep(endpoint, connection)) connection.close();
  return observation;
}

function judgeAnswer({ status, body }: Answer, { expect }: HttpOptions, phases: Phases): Observation {
  const words = `status ${status}`;
  if (!includesStatus(expect.status, status)) return fail('L7STS', words, phases);
  const mismatch = expect.body && bodyMismatch(body, expect.body);
  return mismatch === undefined ? pass('L7OK', words, phases) : fail('L7RSP', mismatch, phases);
}

function lost(outcome: 'over' | Error, target: Target, phases: Phases): Observation {
  if (outcome !== 'over') return judge('L7', outcome, `ask ${formatEndpoint(target)}`, phases);
  return fail('L7TOUT', 'processing' in phases ? 'response not complete in time' : 'no response in time', phases);
}

const nothing = new Uint8Array(0);
