import { z } from '../src/config/fields.ts';
import { pass } from '../src/core/observation.ts';
import { port, watched } from './lib/fields.ts';
import { connect, drop } from './lib/socket.ts';
import { stopwatch } from './lib/stopwatch.ts';
import { defineProbe } from './probe.ts';

/** Passes when the server accepts a connection. Not a byte is sent. */
export const tcp = defineProbe({
  type: 'tcp',
  summary: 'Passes when the server accepts a TCP connection.',
  needsPort: true,
  options: z.strictObject({ port, watch: watched }),

  async run({ address, port }, options, signal) {
    const watch = stopwatch();
    const opened = await connect({ address, port: options.port ?? port }, signal, watch);
    if (!opened.ok) return opened.observation;
    drop(opened.socket);
    return pass('L4OK', 'connected', watch.phases);
  },
});
