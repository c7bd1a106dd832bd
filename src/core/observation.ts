/** HAProxy's check codes: the bounded vocabulary of `reason` in logs and metrics. */
const reasons = [
  'L4OK',
  'L4TOUT',
  'L4CON',
  'L6OK',
  'L6TOUT',
  'L6RSP',
  'L7OK',
  'L7OKC',
  'L7TOUT',
  'L7RSP',
  'L7STS',
  'SOCKERR',
  'PROCERR',
  'PROCTOUT',
] as const;

export type Reason = (typeof reasons)[number];

/** How long a step of a run took, in milliseconds: resolve, connect, tls, processing, transfer, rtt. */
export type Phases = Readonly<Record<string, number>>;

/** What one run of a check saw of its target. A target that fails is an observation, never an `Error`. */
export interface Observation {
  readonly pass: boolean;
  readonly reason: Reason;
  /** One line for people, such as `status 503` or `Connection refused`. It may quote the server: escape before use. */
  readonly detail: string;
  readonly phases: Phases;
}

/** A run that taught us nothing because the fault was ours: what happened, by errno name where there is one. */
export interface Inconclusive {
  readonly code: string;
  readonly message: string;
}

export function pass(reason: Reason, detail: string, phases: Phases = {}): Observation {
  return { pass: true, reason, detail, phases };
}

export function fail(reason: Reason, detail: string, phases: Phases = {}): Observation {
  return { pass: false, reason, detail, phases };
}
