import { wholeNumber } from '../../src/config/fields.ts';

/** The port that a check looks at; without it, the server's. */
export const port = wholeNumber(1, 65535)
  .optional()
  .describe('Port to look at, where it is not the port of the server.');
