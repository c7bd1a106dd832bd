import type { Probe } from '../../checks/probe.ts';
import { duration, formatDuration, formatShare, share, wholeNumber, z } from './fields.ts';

const nameForm = 'must be 1 to 64 letters, digits and . _ - @ +, with a letter or digit first';

/** A name that is a label of metrics and an argument on the command line, where `/` separates. */
export const name = z.string({ error: nameForm }).regex(/^[A-Za-z\d][\w.@+-]{0,63}$/, { error: nameForm });

const interval = duration({ min: 10 }).describe(
  'From the start of a run to the start of the next. A run never overlaps itself: one that takes longer delays the next. So that many start together, a start may be up to 50 ms, or a twentieth of a shorter interval, off its time; the times do not drift.',
);
const timeout = duration().describe('For the whole of a run: resolving, connecting, TLS, every byte.');
const retryInterval = duration({ min: 10 }).describe(
  'From the end of a run to the start of the next while an opinion is contested; up to 5 ms longer, so that many start together.',
);
const fall = wholeNumber(1, 1000).describe('Failures in a row that take a check from up to down.');
const rise = wholeNumber(1, 1000).describe('Passes in a row that take a check from down to up.');
const jitter = share().describe(
  'Share of the interval by which a start may be shifted, in steps as above, so that runs do not march in step.',
);

/** When a check runs and what it takes to change its health, each key optional. */
const timing = {
  interval: interval.optional(),
  timeout: timeout.optional(),
  retry_interval: retryInterval.optional(),
  fall: fall.optional(),
  rise: rise.optional(),
  jitter: jitter.optional(),
};

/** The same with the defaults that everything falls back on. */
export const defaultTiming = z.strictObject({
  interval: interval.prefault('5s'),
  timeout: timeout.prefault('1s'),
  retry_interval: retryInterval.prefault('500ms'),
  fall: fall.default(3),
  rise: rise.default(2),
  jitter: jitter.prefault('10%'),
});

/** The effective timing, each key written in units. */
export type Timing = z.output<typeof defaultTiming>;

export const timingOverrides = z.strictObject(timing);
export type TimingOverrides = z.output<typeof timingOverrides>;

/** A check of the file: what every check has, and the keys of its probe as the probe's schema made them. */
export type CheckEntry = { readonly type: string; readonly name?: string | undefined } & TimingOverrides &
  Readonly<Record<string, unknown>>;

/** The keys of every check; the rest are its probe's. */
const common = {
  name: name.optional().describe('Its name in logs and metrics. Default: its key in `checks`, or its type.'),
  ...timing,
};

/** One check of any type: the probe's keys beside those that every check has. */
export function checkSchema(probes: readonly Probe[]): z.ZodType<CheckEntry> {
  const [first, ...others] = probes.map(({ type, summary, options }) =>
    options.safeExtend({ type: z.literal(type).describe(summary), ...common }).strict(),
  );
  if (first === undefined) throw new Error('Cannot describe checks: there is no probe');
  const union = z.discriminatedUnion('type', [first, ...others]).meta({ id: 'check' });
  return union as unknown as z.ZodType<CheckEntry>;
}

/** The probe's own keys of a check. */
export function probeOptions(entry: CheckEntry): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(entry).filter(([key]) => key !== 'type' && !Object.hasOwn(common, key)));
}

/** The keys of a timing as they are written in a file. */
export function writeTiming(timing: Timing): Readonly<Record<keyof Timing, string | number>> {
  return {
    interval: formatDuration(timing.interval),
    timeout: formatDuration(timing.timeout),
    retry_interval: formatDuration(timing.retry_interval),
    fall: timing.fall,
    rise: timing.rise,
    jitter: formatShare(timing.jitter),
  };
}
