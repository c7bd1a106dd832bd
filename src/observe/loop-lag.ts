import { createHistogram } from 'node:perf_hooks';
import { createFamily } from './exposition.ts';

const beatMs = 100;

const statistics = {
  min: ['minimum', ({ min }) => min],
  max: ['maximum', ({ max }) => max],
  mean: ['mean', ({ mean }) => mean],
  stddev: ['standard deviation', ({ stddev }) => stddev],
  p50: ['50th percentile', (lags) => lags.percentile(50)],
  p90: ['90th percentile', (lags) => lags.percentile(90)],
  p99: ['99th percentile', (lags) => lags.percentile(99)],
} as const satisfies Record<string, readonly [words: string, of: (lags: Lags) => number]>;

type Lags = Pick<ReturnType<typeof createHistogram>, 'min' | 'max' | 'mean' | 'stddev' | 'percentile'>;

const nameOf = (statistic: string) => `nodejs_eventloop_lag_${statistic}_seconds`;

/** What prom-client has under the same names. It looks each 10 ms, which is most of what an idle agent would do. */
export const loopLagNames: readonly string[] = Object.keys(statistics).map(nameOf);

/** Watches how late timers of this process go off; returns what writes that, since it was last written, as text. */
export function watchLoopLag(): () => readonly Buffer[] {
  const lags = createHistogram();
  let lastMs = performance.now();
  setInterval(() => {
    const nowMs = performance.now();
    lags.record(Math.max(1, Math.round((nowMs - lastMs - beatMs) * 1e6)));
    lastMs = nowMs;
  }, beatMs).unref();
  return () => {
    const buffers = Object.entries(statistics).flatMap(([statistic, [words, of]]) => {
      const help = `The ${words} of how late timers went off.`;
      const family = createFamily(nameOf(statistic), { help, type: 'gauge', labels: [] });
      family.emit('', lags.count === 0 ? 0 : of(lags) / 1e9);
      return family.take();
    });
    lags.reset();
    return buffers;
  };
}
