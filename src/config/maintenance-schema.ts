import type { Parsed } from '../core/address.ts';
import { parseEndpoint } from '../core/address.ts';
import { cronProblem } from '../run/cron.ts';
import { duration, listOf, text, z } from './fields.ts';

/** A maintenance window. */
export const maintenanceSchema = z.strictObject({
  servers: listOf(text('an address, such as 10.0.0.1 or 10.0.0.1:80', parseEndpoint))
    .min(1, { error: 'must name at least one server' })
    .describe('`IP:PORT` for one server, a bare IP for every server of that address.'),
  schedule: text("a cron expression, such as '0 3 * * 0'", parseSchedule).describe(
    'When the window opens, in the syntax of node-cron: five fields, or six with seconds first.',
  ),
  duration: duration({ min: 1000 }).describe('How long the window stays open.'),
  timezone: text('an IANA time zone, such as Europe/Berlin', parseTimezone)
    .optional()
    .describe("IANA name of the schedule's time zone. Default: the host's."),
  action: z
    .enum(['drain', 'maintenance'])
    .default('drain')
    .describe('`drain`: weight 0, connections go on; `maintenance`: out of the table.'),
});

function parseSchedule(expression: string): Parsed<string> {
  const problem = cronProblem(expression);
  if (problem === undefined) return { ok: true, value: expression };
  return { ok: false, reason: `'${expression}' is not a cron expression: ${problem}` };
}

function parseTimezone(name: string): Parsed<string> {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return { ok: true, value: name };
  } catch {
    return {
      ok: false,
      reason: `'${name}' is not a time zone of this system: write an IANA name such as Europe/Berlin`,
    };
  }
}
