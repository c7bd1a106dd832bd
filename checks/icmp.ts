import { z } from '../src/config/fields.ts';
import { fail, type Observation, pass } from '../src/core/observation.ts';
import type { Echoed } from '../src/net/echo-line.ts';
import { isForbidden } from '../src/net/echo-socket.ts';
import { engine } from '../src/net/engine.ts';
import { judge } from './lib/fault.ts';
import { pathFields } from './lib/fields.ts';
import { ping } from './lib/ping-program.ts';
import { defineProbe } from './probe.ts';

/** Passes when the server answers one echo request: sent by ourselves where we may, else by the program `ping`. */
export const icmp = defineProbe({
  type: 'icmp',
  summary: 'Passes when the server answers an ICMP echo request.',
  needsPort: false,
  options: z.strictObject(pathFields),

  run({ address }, path, deadline) {
    const libc = engine();
    if (libc === undefined) return ping(address, path, deadline.signal);
    return libc.echo(address, path, deadline).then((echoed) => {
      // We may not open a socket for echo requests, or not with this path.
      if (echoed instanceof Error && isForbidden(echoed)) return ping(address, path, deadline.signal);
      return judged(echoed, address);
    });
  },
});

function judged(echoed: Echoed, address: string): Observation {
  if (echoed === 'over') return fail('L4TOUT', 'no reply in time');
  if (echoed instanceof Error) return judge('L4', echoed, `ping ${address}`, {});
  if ('refusal' in echoed) return fail('L4CON', echoed.refusal);
  return pass('L4OK', 'replied', { rtt: echoed.rttMs });
}
