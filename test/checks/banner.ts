import { once } from 'node:events';
import { judge } from '../../checks/lib/fault.ts';
import { port } from '../../checks/lib/fields.ts';
import { connect, drop } from '../../checks/lib/socket.ts';
import { stopwatch } from '../../checks/lib/stopwatch.ts';
import { defineProbe } from '../../checks/probe.ts';
import { z } from '../../src/config/fields.ts';
import { fail, pass } from '../../src/core/observation.ts';

/** Passes when the server speaks first, as those of SMTP, FTP and SSH do, and begins as expected. */
export const banner = defineProbe({
  type: 'banner',
  summary: 'Passes when the server greets with the expected words.',
  needsPort: true,
  options: z.strictObject({ port, begin: z.string().min(1).describe('How the greeting begins.') }),

  async run({ address, port }, options, deadline) {
    const watch = stopwatch();
    const opened = await connect({ address, port: options.port ?? port }, deadline, watch);
    if (!opened.ok) return opened.observation;
    try {
      const [data] = await once(opened.socket, 'data', { signal: deadline.signal });
      watch.lap('greeting');
      const greeting = String(data);
      if (greeting.startsWith(options.begin)) return pass('L7OK', 'greeted', watch.phases);
      return fail('L7RSP', `greeted with ${JSON.stringify(greeting.slice(0, 60))}`, watch.phases);
    } catch (error) {
      if (deadline.isOver) return fail('L7TOUT', 'no greeting in time', watch.phases);
      return judge('L7', error, `read the greeting of ${address}`, watch.phases);
    } finally {
      drop(opened.socket);
    }
  },
});
