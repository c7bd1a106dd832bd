import type { z } from '../src/config/fields.ts';
import type { Target } from '../src/core/config.ts';
import type { Deadline } from '../src/core/deadline.ts';
import type { Inconclusive, Observation } from '../src/core/observation.ts';

/**
 * A kind of check: a name, the keys it takes in the configuration, and one function. Nobody else knows its name; adding
 * one costs its file, one line in `index.ts`, and its test.
 */
export interface Probe<Shape extends z.ZodRawShape = z.ZodRawShape> {
  readonly type: string;
  /** One sentence for the reference page. */
  readonly summary: string;
  /** Whether it speaks to a port; a server without one then needs `port` in the check. */
  readonly needsPort: boolean;
  /** Its own keys, beside those that every check has (`type`, `interval`, `timeout` and so on). */
  readonly options: z.ZodObject<Shape>;
  /** Loads what runs need, for those who would not have the first run wait for it. */
  load?(): Promise<unknown>;
  /**
   * Looks at the target once. Resolves with what it learned, timeouts included: when its time is up, it resolves at
   * once with the timeout reason of the phase it is in. Rejects with `Unlearned`, and only then, when the fault was
   * ours and it learned nothing. When it settles, its connections have ended, its processes are killed, and no timer is
   * left; but it may keep, for the next run with the same options, what `release` closes and what does not keep the
   * process alive.
   */
  run(target: Target, options: z.output<z.ZodObject<Shape>>, deadline: Deadline): Promise<Observation>;
  /** Closes what is kept for further runs, as there are none. A run that has not ended keeps nothing then. */
  release?(target: Target, options: z.output<z.ZodObject<Shape>>): void;
}

/** Types a probe from its own schema. */
export function defineProbe<Shape extends z.ZodRawShape>(probe: Probe<Shape>): Probe {
  return probe as unknown as Probe;
}

/** Thrown by a probe that learned nothing: no descriptors, no permission, no source port. `code` is an errno name. */
export class Unlearned extends Error implements Inconclusive {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Unlearned';
    this.code = code;
  }
}
