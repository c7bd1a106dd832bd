/** The time that a run has. Whoever waits for something is told when it is up. */
export interface Deadline {
  readonly isOver: boolean;
  /** Called at once when the time is up, and never if it was up before it was set. There is one who waits at a time. */
  onOver: (() => void) | undefined;
  /** The same for what takes a signal. It is made when first asked for: it costs more than the rest of a run. */
  readonly signal: AbortSignal;
}
