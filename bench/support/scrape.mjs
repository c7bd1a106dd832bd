import { until } from './shell.mjs';

/** Where lvsd serves /metrics when nothing else was configured. */
export const metricsPort = 9975;

/** The text of lvsd's /metrics; up to a second old. */
export async function readMetrics(port = metricsPort) {
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

/** Its samples by series, as `lvsd_ready` or `lvsd_service_up{service="web"}`. */
export async function scrape(port = metricsPort) {
  const text = await readMetrics(port);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

/** Resolves with the first scrape that is so. */
export function untilScrape(isSo, port = metricsPort) {
  return until(
    async () => {
      const samples = await scrape(port).catch(() => undefined);
      return samples !== undefined && isSo(samples) ? samples : undefined;
    },
    120_000,
    100,
  );
}

/** The sum of all series of a metric whose labels contain `label`. */
export function sum(samples, name, label = '') {
  const series = [...samples].filter(([key]) => key.split('{')[0] === name && key.includes(label));
  return series.reduce((total, [, value]) => total + value, 0);
}

/** Ops on servers and services that the kernel has taken so far. */
export function opsDone(samples) {
  return sum(samples, 'lvsd_ipvs_operations_total', 'result="ok"');
}

/**
 * What a share of the observations of a histogram between two scrapes stayed under, in its unit, by linear interpolation;
 * at most the bound of its last finite bucket.
 */
export function quantile(before, after, name, share) {
  const buckets = [...after.keys()]
    .filter((key) => key.startsWith(`${name}_bucket{`))
    .map((key) => ({
      limit: Number(/le="([^"]+)"/.exec(key)[1].replace('+Inf', 'Infinity')),
      count: after.get(key) - (before.get(key) ?? 0),
    }))
    .sort((a, b) => a.limit - b.limit);
  const wanted = share * buckets.at(-1).count;
  const at = buckets.findIndex(({ count }) => count >= wanted);
  const below = buckets[at - 1] ?? { limit: 0, count: 0 };
  if (buckets[at].limit === Number.POSITIVE_INFINITY) return below.limit;
  return (
    below.limit + ((buckets[at].limit - below.limit) * (wanted - below.count)) / (buckets[at].count - below.count || 1)
  );
}
