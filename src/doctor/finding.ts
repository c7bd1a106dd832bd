/**
 * How much a finding matters. `problem`: something fails, or will when a server does. `warning`: something fails under a
 * condition that cannot be seen from here, and that the message names. `advice`: a choice worth making.
 */
export type Severity = 'problem' | 'warning' | 'advice' | 'ok';

/** One thing that was looked at. */
export interface Finding {
  readonly severity: Severity;
  /** What it is about: a sysctl, a module, a service. */
  readonly subject: string;
  readonly message: string;
  /** A command of the shell that mends it, for root; absent where the configuration or another machine is at fault, or an operator has to choose. */
  readonly remedy?: string;
}

export function ok(subject: string, message: string): Finding {
  return { severity: 'ok', subject, message };
}
