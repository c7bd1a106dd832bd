import { isIPv6 } from 'node:net';
import { wholeNumber, z } from '../../src/config/fields.ts';
import { certificates } from './certificate.ts';
import { port, watched } from './fields.ts';
import { patternError } from './pattern.ts';
import { statusRanges } from './status.ts';

/** RFC 9110, section 5.6.2. */
const token = /^[!#$%&'*+.^_`|~\dA-Za-z-]+$/;
const printable = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Headers that follow from the request or have a key of their own. */
const reserved = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

const method = z
  .string()
  .regex(token, { error: 'write an HTTP method, such as GET or HEAD' })
  .toUpperCase()
  .refine((name) => name !== 'CONNECT', { error: 'CONNECT opens a tunnel: write GET, HEAD or another method' })
  .default('GET')
  .describe('Method of the request.');

const path = z
  .string()
  .regex(/^\//, { error: 'must begin with /' })
  .regex(/^[!-~]*$/, { error: 'must be printable ASCII without spaces: percent-encode the rest' })
  .default('/')
  .describe('Path and query of the request.');

const host = z
  .string()
  .refine(isHost, { error: 'write a host name or an address, with a port where one is wanted' })
  .optional()
  .describe("Host header, and with TLS the name asked for (SNI) and verified; without it, the target's address.");

const headerName = z
  .string()
  .regex(token, { error: 'is not a header name' })
  .toLowerCase()
  .refine((name) => !reserved.has(name), {
    error: ({ input }) => `is set by the probe itself${input === 'host' ? ': write the key host beside headers' : ''}`,
  });

const headers = z
  .record(headerName, z.string().regex(printable, { error: 'must be one line of printable text' }))
  .default({})
  .describe('Further headers of the request.');

const tlsOptions = z.strictObject({
  verify: z.boolean().default(true).describe('Whether the certificate must be valid and have the right name.'),
  server_name: z
    .string()
    .refine((name) => isHost(name) && !/:\d+$/.test(name), { error: 'write a host name or an address' })
    .optional()
    .describe('Name to ask for (SNI) and to verify, where it is not that of host.'),
  ca: certificates
    .optional()
    .describe('PEM file of the authorities to trust instead of the public ones; read with the configuration.'),
  session: z
    .enum(['fresh', 'reuse'])
    .default('fresh')
    .describe(
      'Whether each handshake is a whole one, in which the server shows its certificate (`fresh`), or resumes the session of the last whole one (`reuse`): that costs both sides less, and a change of the certificate is seen after ten minutes at most. A server that fails to resume is asked by whole ones.',
    ),
});

const tls = z
  .union([z.boolean(), tlsOptions], { error: 'write true, or { verify, server_name, ca, session }' })
  .transform((value): false | z.output<typeof tlsOptions> =>
    value === true ? { verify: true, session: 'fresh' } : value,
  )
  .default(false)
  .describe('HTTPS.');

const bodyExpectation = z
  .union(
    [
      z
        .string()
        .min(1)
        .transform((contains) => ({ contains })),
      z.strictObject({ contains: z.string().min(1) }),
      z.strictObject({
        regex: z.string().refine((source) => patternError(source) === undefined, {
          error: ({ input }) => `RE2 does not take this regular expression: ${patternError(String(input))}`,
        }),
      }),
    ],
    { error: 'write a text, { contains: text } or { regex: expression }' },
  )
  .optional()
  .describe('What the body must contain: a text, or a match of a regular expression in the syntax of RE2.');

const expectation = z
  .strictObject({
    status: statusRanges.prefault('200-299').describe('Status codes that pass.'),
    body: bodyExpectation,
  })
  .prefault({})
  .describe('What the answer must be.');

/** Methods that only look, so that a request may be sent once more when a kept connection turns out to be closed. */
const repeatable = new Set(['GET', 'HEAD', 'OPTIONS']);

const connection = z
  .enum(['fresh', 'reuse'])
  .default('fresh')
  .describe(
    'Whether each run opens a connection of its own (`fresh`), or asks on that of the run before while it lasts (`reuse`). The latter costs less; that the server accepts connections, and with TLS its certificate, is then seen only when a new one is needed.',
  );

const keys = z.strictObject({
  method,
  path,
  host,
  headers,
  body: z.string().optional().describe('Body of the request.'),
  port,
  connection,
  watch: watched,
  tls,
  expect: expectation,
  max_bytes: wholeNumber(1, 16 * 1024 * 1024)
    .default(64 * 1024)
    .describe('How much of the body is read; the rest does not count.'),
});

/** The keys of an `http` check. Parsing what it made gives the same again. */
export const httpOptions = keys.refine((options) => options.connection === 'fresh' || repeatable.has(options.method), {
  path: ['connection'],
  error: 'reuse is for the methods GET, HEAD and OPTIONS: any other request must not be sent twice',
});

export type HttpOptions = z.output<typeof httpOptions>;

export type BodyExpectation = NonNullable<HttpOptions['expect']['body']>;

/** `name`, `name:port`, `[v6]:port`: the name without the port and the brackets. */
export function nameOf(authority: string): string {
  return authority.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

/** Names with an underscore or a final dot are no host names of RFC 1123 and are met all the same. */
function isHost(text: string): boolean {
  const bracketed = /^\[([^\]]+)\](:\d{1,5})?$/.exec(text);
  return bracketed ? isIPv6(bracketed[1] ?? '') : /^[\dA-Za-z._-]+(:\d{1,5})?$/.test(text);
}
