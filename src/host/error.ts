/** Why something could not be done to this host. `kind` is a word of the exit codes. */
export class HostError extends Error {
  readonly kind: 'failed' | 'unavailable' | 'notPermitted' | 'badConfig' | 'usage';

  constructor(kind: HostError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HostError';
    this.kind = kind;
  }
}

/** What the system refused: `Cannot ACTION: the system answered EROFS, it is mounted read-only`. `hints` are by code. */
export function refusal(action: string, error: unknown, hints: Readonly<Record<string, string>> = {}): HostError {
  const { code = 'ERROR' } = error as NodeJS.ErrnoException;
  const hint = hints[code] ?? usualHints[code];
  const answer = hint === undefined ? code : `${code}, ${hint}`;
  return new HostError('failed', `Cannot ${action}: the system answered ${answer}`, { cause: error });
}

const usualHints: Readonly<Record<string, string>> = {
  EPERM: 'this takes root or the capability CAP_NET_ADMIN',
  EROFS: 'it is mounted read-only, as in a container that is not privileged',
  ENETDOWN: 'the interface is down',
  EOPNOTSUPP: 'the kernel has no module for it',
};
