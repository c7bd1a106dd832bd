import { z } from 'zod';

export { z };

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** The longest time that fits a timer of Node (2^31 - 1 ms); beyond it a timer fires at once. */
const longestMs = 2_147_483_647;

/** `500ms`, `5s`, `2m`, `1h`: a length of time, in ms once parsed. */
export function duration({ min = 1, max = longestMs }: { min?: number; max?: number } = {}) {
  return z
    .string({ error: 'write a duration with its unit, such as 500ms, 5s or 2m' })
    .regex(/^\d+(\.\d+)?(ms|s|m|h)$/, { error: 'write a duration with its unit, such as 500ms, 5s or 2m' })
    .transform(parseDuration)
    .refine((ms) => ms >= min && ms <= max, {
      error: `must be from ${formatDuration(min)} to ${formatDuration(max)}`,
    });
}

/** The shortest exact text that `duration` reads back as the same length. */
export function formatDuration(ms: number): string {
  const unit = (['h', 'm', 's'] as const).find((name) => ms !== 0 && ms % unitMs[name] === 0) ?? 'ms';
  return `${ms / unitMs[unit]}${unit}`;
}

function parseDuration(text: string): number {
  const [, amount = '', unit = 'ms'] = /^([\d.]+)(ms|s|m|h)$/.exec(text) ?? [];
  return Math.round(Number(amount) * unitMs[unit as keyof typeof unitMs]);
}
