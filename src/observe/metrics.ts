import { setImmediate } from 'node:timers/promises';
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { MetricsDetail } from '../core/config.ts';
import { driftKinds } from '../core/drift.ts';
import { type AgentEvent, reconcileTriggers } from '../core/event.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { opKinds } from '../core/table.ts';
import { createFamily, labelText } from './exposition.ts';
import { type MetricName, metricNames, metricTable } from './metric-table.ts';
import { createSeriesCounts } from './series.ts';
import { writeSnapshot } from './snapshot-series.ts';

export interface Metrics {
  observe(event: AgentEvent): void;
  render(): Promise<Exposition>;
  /** Leaves out the series of finer things from now on. */
  setDetail(detail: MetricsDetail): void;
}

export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

export interface MetricsOptions {
  readonly version: string;
  readonly snapshot: () => Snapshot | undefined;
  /** Awaited before each rendering: reads the kernel's counters again. A failure is its own affair. */
  readonly refresh?: () => Promise<void>;
}

/** Counts events, shows the snapshot: the whole exposition in Prometheus' text format. */
export function createMetrics({ version, snapshot, refresh }: MetricsOptions): Metrics {
  const registry = new Registry();
  const agent = createAgentMetrics(registry);
  const durations = createDurations(registry);
  const counts = createSeriesCounts(snapshot, durations.follow);
  const processMetrics = createProcessMetrics();
  let names = metricNames;
  const buildInfo = labelText(metricTable.lvsd_build_info.labels, [version, process.version]);

  const render = async () => {
    await refresh?.();
    const now = snapshot();
    counts.follow(now);
    const families = new Map(names.map((name) => [name, createFamily(name, metricTable[name])]));
    families.get('lvsd_build_info')?.emit(buildInfo, 1);
    await writeSnapshot(now, counts, families);
    const texts: string[] = [];
    for (const [name, family] of families) {
      texts.push(registry.getSingleMetric(name) ? await registry.getSingleMetricAsString(name) : family.text());
      await setImmediate();
    }
    texts.push(await processMetrics.metrics());
    return { contentType: registry.contentType, body: texts.join('\n') };
  };

  return {
    observe: (event) => {
      if (event.type === 'config_reloaded') counts.follow(snapshot());
      agent.observe(event);
      counts.observe(event);
      durations.observe(event);
    },
    render,
    setDetail: (detail) => {
      names = metricNames.filter((name) => isShown(name, detail));
    },
  };
}

function isShown(name: MetricName, detail: MetricsDetail): boolean {
  const labels: readonly string[] = metricTable[name].labels;
  return detail === 'check' || !labels.includes(detail === 'server' ? 'check' : 'server');
}

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** What is counted for the agent as a whole. */
function createAgentMetrics(registry: Registry): { observe(event: AgentEvent): void } {
  const operations = counter(registry, 'lvsd_ipvs_operations_total');
  const runs = counter(registry, 'lvsd_reconcile_runs_total');
  const drift = counter(registry, 'lvsd_reconcile_drift_total');
  const duration = histogram(registry, 'lvsd_reconcile_duration_seconds');
  const lag = histogram(registry, 'lvsd_check_scheduler_lag_seconds');
  for (const result of ['ok', 'error']) {
    for (const operation of opKinds) operations.inc({ operation, result }, 0);
    for (const trigger of reconcileTriggers) runs.inc({ trigger, result }, 0);
  }
  for (const kind of driftKinds) drift.inc({ kind }, 0);

  return {
    observe: (event) => {
      switch (event.type) {
        case 'check_ran':
          lag.observe(event.lagMs / 1000);
          return;
        case 'reconciled':
          runs.inc({ trigger: event.trigger, result: event.isOk ? 'ok' : 'error' });
          duration.observe(event.durationMs / 1000);
          for (const { op, error } of event.results) {
            operations.inc({ operation: op.kind, result: error === undefined ? 'ok' : 'error' });
          }
          return;
        case 'drift_found':
          for (const { kind } of event.drifts) drift.inc({ kind });
          return;
      }
    },
  };
}

interface Durations {
  /** Checks that the configuration last followed does not have are passed over. */
  observe(event: AgentEvent): void;
  follow(snapshot: Snapshot): void;
}

/** How long runs took, by service and type of check. */
function createDurations(registry: Registry): Durations {
  const durations = histogram(registry, 'lvsd_check_duration_seconds');
  let known: ReadonlyMap<string, CheckType> = new Map();
  return {
    observe: (event) => {
      if (event.type !== 'check_ran') return;
      for (const check of event.checks) {
        const labels = known.get(typeKey(check));
        if (labels) durations.observe({ ...labels }, event.durationMs / 1000);
      }
    },
    follow: (snapshot) => {
      const next = typesOf(snapshot);
      for (const [key, { service, type }] of known) if (!next.has(key)) durations.remove({ service, type });
      for (const [key, { service, type }] of next) if (!known.has(key)) durations.zero({ service, type });
      known = next;
    },
  };
}

interface CheckType {
  readonly service: string;
  readonly type: string;
}

function typesOf({ services }: Snapshot): ReadonlyMap<string, CheckType> {
  const checks = services.flatMap(({ servers }) => servers.flatMap(({ checks }) => checks));
  return new Map(checks.map(({ service, type }) => [typeKey({ service, type }), { service, type }]));
}

function typeKey({ service, type }: CheckType): string {
  return `${service}\n${type}`;
}

/** prom-client's own, less the gauges whose names end like a counter's: `promtool check metrics` refuses them. */
function createProcessMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const kind of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  return registry;
}

function counter(registry: Registry, name: MetricName): Counter {
  const { help, labels } = metricTable[name];
  return new Counter({ name, help, labelNames: labels, registers: [registry] });
}

function histogram(registry: Registry, name: MetricName): Histogram {
  const { help, labels } = metricTable[name];
  return new Histogram({ name, help, labelNames: labels, buckets, registers: [registry] });
}
