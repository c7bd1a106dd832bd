import { fail, type Observation, type Phases } from '../../src/core/observation.ts';
import { systemErrors } from '../../src/net/errno.ts';
import { Unlearned } from '../probe.ts';

/** TCP, TLS, and what is spoken above them: the layers of HAProxy's check codes. */
export type Layer = 'L4' | 'L6' | 'L7';

/** errno names of socket(2), connect(2), send(2) and fork(2) that speak of our own host, never of the target. */
const ours = new Set([
  'EACCES',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EAGAIN',
  'EALREADY',
  'EINVAL',
  'EISCONN',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENODEV',
  'ENOMEM',
  'ENOSPC',
  'ENOSYS',
  'ENXIO',
  'EPERM',
  'EPROTONOSUPPORT',
  'ESOCKTNOSUPPORT',
]);

const broken = { L4: 'L4CON', L6: 'L6RSP', L7: 'L7RSP' } as const;

/**
 * What an error means for the target, by the layer that it struck. An unreachable network counts against the target, as
 * it does in keepalived. Throws `Unlearned` when the fault is ours; `attempt` then completes the sentence "Cannot …".
 */
export function judge(layer: Layer, error: unknown, attempt: string, phases: Phases): Observation {
  const code = codeOf(error);
  if (ours.has(code)) throw new Unlearned(code, `Cannot ${attempt}: ${explain(error)}`, { cause: error });
  // The kernel gave up before our own deadline came.
  if (code === 'ETIMEDOUT') return fail(`${layer}TOUT`, explain(error), phases);
  return fail(broken[layer], explain(error), phases);
}

/** The name that an error goes by: an errno name, or OpenSSL's, llhttp's or undici's code. */
export function codeOf(error: unknown): string {
  return text(fieldOf(error, 'code')) ?? 'UNKNOWN';
}

/** The error in a few words for people: OpenSSL's reason, the words of the errno, or else its message. */
export function explain(error: unknown): string {
  const errno = fieldOf(error, 'errno');
  const words = typeof errno === 'number' ? systemErrors.get(errno)?.[1] : undefined;
  return text(fieldOf(error, 'reason')) ?? words ?? text(fieldOf(error, 'message')) ?? String(error);
}

function fieldOf(error: unknown, name: 'code' | 'errno' | 'reason' | 'message'): unknown {
  return typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
