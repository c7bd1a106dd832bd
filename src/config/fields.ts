import { z } from 'zod';
import type { Parsed } from '../core/address.ts';

export { z };

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** 24 days: a timer of Node takes 2^31 - 1 ms, and beyond that fires at once. */
const longestMs = 24 * 24 * 3_600_000;

const durationForm = 'must be a duration with its unit, such as 500ms, 5s or 2m';

/**
 * `500ms`, `5s`, `2m`, `1h`: a length of time, in ms once parsed. `min`, `max` and `step` are in ms too. Encodes back to
 * text.
 */
export function duration({ min = 1, max = longestMs, step = 1 }: { min?: number; max?: number; step?: number } = {}) {
  const text = z.string({ error: durationForm }).regex(/^\d+(\.\d+)?(ms|s|m|h)$/, { error: durationForm });
  const length = z
    .number({ error: `must be from ${formatDuration(min)} to ${formatDuration(max)}` })
    .refine((ms) => ms >= min && ms <= max, {
      error: `must be from ${formatDuration(min)} to ${formatDuration(max)}`,
      abort: true,
    })
    .refine((ms) => ms % step === 0, { error: `must be a multiple of ${formatDuration(step)}` });
  return z.codec(text, length, { decode: parseDuration, encode: formatDuration }).meta({ title: 'duration' });
}

/** The shortest exact text that `duration` reads back as the same length. */
export function formatDuration(ms: number): string {
  const unit = (['h', 'm', 's'] as const).find((name) => ms !== 0 && ms % unitMs[name] === 0) ?? 'ms';
  return `${ms / unitMs[unit]}${unit}`;
}

function parseDuration(text: string): number {
  const [, amount = '', unit = 'ms'] = /^([\d.]+)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Number(amount) * unitMs[unit as keyof typeof unitMs];
  // 1.1 * 1000 is not quite 1100; half a millisecond is a mistake.
  return Math.abs(ms - Math.round(ms)) < 1e-6 ? Math.round(ms) : ms;
}

const shareForm = 'must be a share such as 25%';

/** `25%`: a share, 0 to 1 once parsed. Encodes back to text. */
export function share({ min = 0 }: { min?: number } = {}) {
  const text = z.string({ error: shareForm }).regex(/^\d{1,3}(\.\d{1,6})?%$/, { error: shareForm });
  const isInRange = (value: number) => value >= min && value <= 1;
  const value = z.number().refine(isInRange, { error: `must be from ${formatShare(min)} to 100%` });
  return z
    .codec(text, value, { decode: (percent) => Number(percent.slice(0, -1)) / 100, encode: formatShare })
    .meta({ title: 'share' });
}

export function formatShare(value: number): string {
  return `${Number((value * 100).toPrecision(12))}%`;
}

/** A text that `parse` understands, as what it makes of it. `form` completes "must be" where there is no text at all. */
export function text<T>(form: string, parse: (text: string) => Parsed<T>) {
  const written = z.string({ error: `must be ${form}` }).transform((value, context): T => {
    const result = parse(value);
    if (result.ok) return result.value;
    context.addIssue(result.reason);
    return z.NEVER;
  });
  return written.meta({ title: form });
}

export function wholeNumber(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

/**
 * A list, of which an entry may be undefined. YAML has no such entry: the hole stands for an entry with a mistake, so
 * that the others can be checked all the same under their own numbers.
 */
export function listOf<T extends z.ZodType>(entry: T) {
  return z.array(entry.optional());
}
