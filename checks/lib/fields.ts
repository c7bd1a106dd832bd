import { text, wholeNumber, z } from '../../src/config/fields.ts';
import { parseIp } from '../../src/core/address.ts';

/** The port that a check looks at; without it, the server's. */
export const port = wholeNumber(1, 65535)
  .optional()
  .describe('Port to look at, where it is not the port of the server.');

/** How a check's packets leave this host: the keys of a `Path`. */
export const pathFields = {
  source: text('an IP address', parseIp).optional().describe('Address of this host that the check is made from.'),
  interface: z
    .string()
    // As the kernel has it: `dev_valid_name`, with room for 15 characters and a NUL.
    .regex(/^(?!\.\.?$)[^\s/:\0]{1,15}$/, { error: 'write the name of an interface, of 1 to 15 characters' })
    .optional()
    .describe('Interface of this host that the check is made from, whatever the routes say.'),
  mark: wholeNumber(1, 2 ** 32 - 1)
    .optional()
    .describe('Firewall mark of the packets that the check sends, for `ip rule` and nftables.'),
};
/** Of probes whose target listens on a TCP port: the agent does the rest. */
export const watched = z
  .boolean()
  .default(false)
  .describe('Whether to hold an idle connection to the server, and run the check at once when it ends.');
