import { parseListen, parseOptionalPath, parseUnixListen } from './addresses.ts';
import { duration, text, z } from './fields.ts';

const off = z
  .literal('off', { error: 'must be a mapping with the key listen, or off' })
  .transform(() => ({ listen: undefined }));
const noMetrics = off.transform(() => ({ listen: undefined, detail: 'check' as const }));

const metrics = z.strictObject({
  listen: text('IP:PORT, or off', parseListen)
    .prefault('127.0.0.1:9975')
    .describe('`IP:PORT` on which /metrics, /livez and /readyz are served, or `off`.'),
  detail: z
    .enum(['service', 'server', 'check'])
    .default('check')
    .describe('How far the series go: to each `service`, to each `server` too, or to each `check` of them too.'),
});

const admin = z.strictObject({
  listen: text('unix:/absolute/path, or off', parseUnixListen)
    .prefault('unix:/run/lvsd/admin.sock')
    .describe('`unix:/absolute/path` of the socket that `lvsd status` asks, or `off`.'),
});

const log = z.strictObject({
  format: z.enum(['auto', 'json', 'text']).default('auto').describe('`auto`: text on a terminal, else JSON.'),
  level: z
    .enum(['debug', 'info', 'notice', 'warn', 'error', 'fatal'])
    .default('info')
    .describe('The least that is logged.'),
  transition_file: text('an absolute path, or off', parseOptionalPath)
    .prefault('off')
    .describe('File to which one line a transition is appended, as the monitoring script did, or `off`.'),
});

/** The agent itself, not what it looks after. */
export const agentSchema = z.strictObject({
  metrics: z.union([noMetrics, metrics]).prefault({}).describe('Metrics for Prometheus; `off`: none.'),
  admin: z.union([off, admin]).prefault({}).describe('The admin socket; `off`: none.'),
  log: log.prefault({}).describe('What is logged, and how.'),
  reconcile_interval: duration({ min: 100 })
    .prefault('5s')
    .describe("How often the kernel's table is read and repaired; every transition does so too."),
  on_drift: z
    .enum(['repair', 'report'])
    .default('repair')
    .describe('What becomes of rows of ours that somebody else changed: `repair`, or only log and count (`report`).'),
  on_stop: z
    .enum(['leave', 'remove'])
    .default('leave')
    .describe('What a clean stop does with our services and daemons: `leave` them in the kernel, or `remove` them.'),
  state_dir: text('an absolute path, or off', parseOptionalPath)
    .prefault('/var/lib/lvsd')
    .describe('Directory that remembers which services and daemons are ours across restarts, or `off`.'),
});
