import { wholeNumber, z } from '../../src/config/fields.ts';

/** The port that a check looks at; without it, the server's. */
export const port = wholeNumber(1, 65535)
  .optional()
  .describe('Port to look at, where it is not the port of the server.');

/** Of probes whose target listens on a TCP port: the agent does the rest. */
export const watched = z
  .boolean()
  .default(false)
  .describe('Whether to hold an idle connection to the server, and run the check at once when it ends.');
