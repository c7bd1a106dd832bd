import type { Deadline } from '../core/deadline.ts';

/** A deadline that passes when `pass` is called. */
export class ManualDeadline implements Deadline {
  isOver = false;
  onOver: (() => void) | undefined;
  #abort: AbortController | undefined;

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.isOver) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  pass(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#abort?.abort();
    this.onOver?.();
  }
}
