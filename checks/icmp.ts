import { isIP } from 'node:net';
import { z } from '../src/config/fields.ts';
import type { Deadline } from '../src/core/deadline.ts';
import { fail, type Observation, pass } from '../src/core/observation.ts';
import type { Echo } from '../src/net/echo.ts';
import { isForbidden } from '../src/net/echo-socket.ts';
import { engine } from '../src/net/engine.ts';
import type { Path } from '../src/net/path.ts';
import { judge } from './lib/fault.ts';
import { pathFields } from './lib/fields.ts';
import { ping } from './lib/ping-program.ts';
import { defineProbe, Unlearned } from './probe.ts';

/** Passes when the server answers one echo request: sent by ourselves where we may, else by the program `ping`. */
export const icmp = defineProbe({
  type: 'icmp',
  summary: 'Passes when the server answers an ICMP echo request.',
  needsPort: false,
  options: z.strictObject(pathFields),

  async run({ address }, path, deadline) {
    if (isIP(address) === 0) throw new Unlearned('EINVAL', `Cannot ping '${address}': it is not an IP address`);
    const libc = engine();
    const seen = libc && (await bySocket(libc.echo, address, path, deadline));
    return seen ?? ping(address, path, deadline.signal);
  },
});

/** Undefined: we may not open a socket for echo requests, or not with this path. */
async function bySocket(echo: Echo, address: string, path: Path, deadline: Deadline): Promise<Observation | undefined> {
  const echoed = await echo(address, path, deadline);
  if (echoed === 'over') return fail('L4TOUT', 'no reply in time');
  if (echoed instanceof Error) return isForbidden(echoed) ? undefined : judge('L4', echoed, `ping ${address}`, {});
  if ('refusal' in echoed) return fail('L4CON', echoed.refusal);
  return pass('L4OK', `reply in ${echoed.rttMs.toFixed(2)} ms`, { rtt: echoed.rttMs });
}
