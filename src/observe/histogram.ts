import type { Family } from './exposition.ts';

/** Upper bounds, in seconds. A server of the same network answers within the first few. */
const bounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Counts durations. Each run of a check is counted in two of these: prom-client takes ten times as long for it. */
export class Histogram {
  readonly #labels: string;
  /** By the first bound that is not below; the last is of those beyond all bounds. */
  readonly #counts: number[] = new Array(bounds.length + 1).fill(0);
  #seconds = 0;

  /** `labels` as `labelText` makes them. */
  constructor(labels = '') {
    this.#labels = labels;
  }

  observe(durationMs: number): void {
    const seconds = durationMs / 1000;
    let bucket = 0;
    while (seconds > (bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#seconds += seconds;
  }

  write(family: Family | undefined): void {
    if (family === undefined) return;
    const more = this.#labels === '' ? '' : `,${this.#labels}`;
    let count = 0;
    for (const [bucket, counted] of this.#counts.entries()) {
      count += counted;
      family.emit(`le="${bounds[bucket] ?? '+Inf'}"${more}`, count, '_bucket');
    }
    family.emit(this.#labels, this.#seconds, '_sum');
    family.emit(this.#labels, count, '_count');
  }
}
