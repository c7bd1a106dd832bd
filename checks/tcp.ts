import { z } from '../src/config/fields.ts';
import type { Target } from '../src/core/config.ts';
import type { Deadline } from '../src/core/deadline.ts';
import { type Observation, pass } from '../src/core/observation.ts';
import { engine } from '../src/net/engine.ts';
import type { Path } from '../src/net/path.ts';
import type { Connected, ConnectTcp } from '../src/net/tcp.ts';
import { pathFields, port, watched } from './lib/fields.ts';
import { connect, drop, unconnected } from './lib/socket.ts';
import { stopwatch } from './lib/stopwatch.ts';
import { defineProbe } from './probe.ts';

const close = z
  .enum(['rst', 'fin'])
  .default('rst')
  .describe(
    'How the connection ends: `rst` leaves no port of ours in TIME_WAIT; `fin` leaves no error in the log of a server that waits for its client to speak first, and what others have sent by then is still answered with a reset.',
  );

interface Options extends Path {
  readonly close: 'rst' | 'fin';
}

/** Passes when the server accepts a connection. Not a byte is sent. */
export const tcp = defineProbe({
  type: 'tcp',
  summary: 'Passes when the server accepts a TCP connection.',
  needsPort: true,
  options: z
    .strictObject({ port, close, ...pathFields, watch: watched })
    .refine(({ watch, interface: device, mark }) => !watch || (device === undefined && mark === undefined), {
      path: ['watch'],
      error: 'cannot be true beside interface or mark: the idle connection would take another way than the check',
    }),

  run(target, options, deadline) {
    const libc = engine();
    return libc === undefined ? byNode(target, options, deadline) : byLibc(libc.connect, target, options, deadline);
  },
});

/** Without an async function: to wait in one costs more than a promise. */
function byLibc(connect: ConnectTcp, target: Target, options: Options, deadline: Deadline): Promise<Observation> {
  const startMs = performance.now();
  return connect(target.address, target.port, options, deadline).then((outcome) => judged(outcome, target, startMs));
}

function judged(outcome: Connected, target: Target, startMs: number): Observation {
  if (outcome === 'over' || outcome instanceof Error) return unconnected(outcome, target, {});
  const connectMs = performance.now() - startMs;
  const { rttMs } = outcome;
  return pass('L4OK', 'connected', rttMs === undefined ? { connect: connectMs } : { connect: connectMs, rtt: rttMs });
}

async function byNode(target: Target, options: Options, deadline: Deadline): Promise<Observation> {
  const watch = stopwatch();
  const opened = await connect(target, deadline, watch, options);
  if (!opened.ok) return opened.observation;
  if (options.close === 'rst') drop(opened.socket);
  else opened.socket.destroy();
  return pass('L4OK', 'connected', watch.phases);
}
