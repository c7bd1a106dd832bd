import { setImmediate } from 'node:timers/promises';
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import type { MetricsDetail, Service } from '../core/config.ts';
import { driftKinds } from '../core/drift.ts';
import { type AgentEvent, reconcileTriggers } from '../core/event.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { opKinds } from '../core/table.ts';
import { createFamily, labelText } from './exposition.ts';
import { Histogram } from './histogram.ts';
import { loopLagNames, watchLoopLag } from './loop-lag.ts';
import { type MetricName, metricNames, metricTable } from './metric-table.ts';
import { createSeriesCounts } from './series.ts';
import { type Families, writeSnapshot } from './snapshot-series.ts';

export interface Metrics {
  observe(event: AgentEvent): void;
  render(): Promise<Exposition>;
  /** Leaves out the series of finer things from now on. */
  setDetail(detail: MetricsDetail): void;
}

export interface Exposition {
  readonly contentType: string;
  /** UTF-8, in pieces: as one it would be there twice. */
  readonly body: readonly Buffer[];
}

export interface MetricsOptions {
  readonly version: string;
  readonly snapshot: () => Snapshot | undefined;
  /** The services of `snapshot`, which costs more. */
  readonly services?: () => readonly Service[] | undefined;
  /** Awaited before each rendering: reads the kernel's counters again. A failure is its own affair. */
  readonly refresh?: () => Promise<void>;
}

/** Counts events, shows the snapshot: the whole exposition in Prometheus' text format. */
export function createMetrics({ version, snapshot, refresh, ...options }: MetricsOptions): Metrics {
  const services = options.services ?? (() => servicesOf(snapshot()));
  const registry = new Registry();
  const agent = createAgentMetrics(registry);
  const counts = createSeriesCounts(services);
  const processMetrics = createProcessMetrics();
  const writeLoopLag = watchLoopLag();
  let names = metricNames;
  const buildInfo = labelText(metricTable.lvsd_build_info.labels, [version, process.version]);

  const render = async () => {
    await refresh?.();
    // With thousands of servers each step takes as long as may pass between two looks at the sockets.
    await setImmediate();
    const now = snapshot();
    counts.follow(servicesOf(now));
    await setImmediate();
    const families = new Map(names.map((name) => [name, createFamily(name, metricTable[name])]));
    families.get('lvsd_build_info')?.emit(buildInfo, 1);
    agent.write(families);
    for (const histogram of counts.durations()) histogram.write(families.get('lvsd_check_duration_seconds'));
    await writeSnapshot(now, counts, families);
    const body: Buffer[] = [];
    for (const [name, family] of families) {
      if (registry.getSingleMetric(name) === undefined) body.push(...family.take());
      else body.push(Buffer.from(`${await registry.getSingleMetricAsString(name)}\n`));
    }
    body.push(Buffer.from(`${await processMetrics.metrics()}\n`), ...writeLoopLag());
    return { contentType: registry.contentType, body };
  };

  return {
    observe: (event) => {
      if (event.type === 'config_reloaded') counts.follow(services());
      agent.observe(event);
      counts.observe(event);
    },
    render,
    setDetail: (detail) => {
      names = metricNames.filter((name) => isShown(name, detail));
    },
  };
}

function servicesOf(snapshot: Snapshot | undefined): readonly Service[] | undefined {
  return snapshot?.services.map(({ service }) => service);
}

function isShown(name: MetricName, detail: MetricsDetail): boolean {
  const labels: readonly string[] = metricTable[name].labels;
  return detail === 'check' || !labels.includes(detail === 'server' ? 'check' : 'server');
}

interface AgentMetrics {
  observe(event: AgentEvent): void;
  /** Writes what the registry does not have. */
  write(families: Families): void;
}

/** What is counted for the agent as a whole. */
function createAgentMetrics(registry: Registry): AgentMetrics {
  const operations = counter(registry, 'lvsd_ipvs_operations_total');
  const runs = counter(registry, 'lvsd_reconcile_runs_total');
  const drift = counter(registry, 'lvsd_reconcile_drift_total');
  const duration = new Histogram();
  const lag = new Histogram();
  for (const result of ['ok', 'error']) {
    for (const operation of opKinds) operations.inc({ operation, result }, 0);
    for (const trigger of reconcileTriggers) runs.inc({ trigger, result }, 0);
  }
  for (const kind of driftKinds) drift.inc({ kind }, 0);

  return {
    write: (families) => {
      duration.write(families.get('lvsd_reconcile_duration_seconds'));
      lag.write(families.get('lvsd_check_scheduler_lag_seconds'));
    },
    observe: (event) => {
      switch (event.type) {
        case 'check_ran':
          lag.observe(event.lagMs);
          return;
        case 'reconciled':
          runs.inc({ trigger: event.trigger, result: event.isOk ? 'ok' : 'error' });
          duration.observe(event.durationMs);
          for (const operation of opKinds) {
            const results = event.results.filter(({ op }) => op.kind === operation);
            const refused = results.filter(({ error }) => error !== undefined).length;
            operations.inc({ operation, result: 'ok' }, results.length - refused);
            operations.inc({ operation, result: 'error' }, refused);
          }
          return;
        case 'drift_found':
          for (const { kind } of event.drifts) drift.inc({ kind });
          return;
      }
    },
  };
}

/** So that prom-client never looks at the loop. */
const longestMs = 2 ** 31 - 1;

/**
 * prom-client's own, less the lag of the loop, which is ours, and the gauges whose names end like a counter's:
 * `promtool check metrics` refuses them.
 */
function createProcessMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: longestMs });
  for (const kind of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  for (const name of loopLagNames) registry.removeSingleMetric(name);
  return registry;
}

function counter(registry: Registry, name: MetricName): Counter {
  const { help, labels } = metricTable[name];
  return new Counter({ name, help, labelNames: labels, registers: [registry] });
}
