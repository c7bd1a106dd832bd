/** Why something could not be done to this host. `kind` is a word of the exit codes. */
export class HostError extends Error {
  readonly kind: 'failed' | 'unavailable' | 'notPermitted' | 'badConfig' | 'usage';

  constructor(kind: HostError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HostError';
    this.kind = kind;
  }
}

/** What the system refused: `Cannot ACTION: the system answered EEXIST`. */
export function refusal(action: string, error: unknown): HostError {
  const { code = 'ERROR' } = error as NodeJS.ErrnoException;
  return new HostError('failed', `Cannot ${action}: the system answered ${code}`, { cause: error });
}
