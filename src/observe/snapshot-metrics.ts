import { formatEndpoint } from '../core/address.ts';
import type { Server } from '../core/config.ts';
import { serverStates } from '../core/fleet.ts';
import type { CheckSnapshot, ServerSnapshot, ServiceSnapshot, Snapshot } from '../core/snapshot.ts';
import type { ServiceIdentity, Traffic } from '../core/table.ts';
import { type Emit, labelText } from './exposition.ts';
import { type MetricName, metricTable } from './metric-table.ts';
import { type CheckCounts, outcomeOf, type SeriesCounts, type TransitionCounts } from './series.ts';

/** What one scrape shows: the snapshot in flat lists, each row with its labels and counts. */
export interface Scene {
  readonly snapshot: Snapshot | undefined;
  readonly services: readonly ServiceScene[];
  readonly servers: readonly ServerScene[];
  readonly checks: readonly CheckScene[];
}

interface ServiceScene extends TransitionCounts {
  readonly now: ServiceSnapshot;
}

interface ServerScene extends TransitionCounts {
  readonly now: ServerSnapshot;
  readonly config: Server;
  readonly service: ServiceSnapshot['service'];
}

interface CheckScene extends CheckCounts {
  readonly now: CheckSnapshot;
}

export function sceneOf(snapshot: Snapshot | undefined, counts: SeriesCounts): Scene {
  const services: ServiceScene[] = [];
  const servers: ServerScene[] = [];
  const checks: CheckScene[] = [];
  for (const now of snapshot?.services ?? []) {
    const { service } = now;
    const counted = counts.service(service.name);
    if (counted) services.push({ ...counted, now });
    const configs = [...service.servers, ...service.fallbackServers];
    for (const [index, server] of now.servers.entries()) {
      const counted = counts.server({ service: service.name, server: server.key });
      const config = configs[index];
      if (counted && config) servers.push({ ...counted, now: server, config, service });
      for (const check of server.checks) {
        const counted = counts.check(check);
        if (counted) checks.push({ ...counted, now: check });
      }
    }
  }
  return { snapshot, services, servers, checks };
}

/** Writes the samples of each metric that a snapshot shows. */
export const snapshotMetrics = {
  lvsd_ready: agent(({ isReady }) => isReady),
  lvsd_config_last_reload_successful: agent(({ isConfigCurrent }) => isConfigCurrent),
  lvsd_config_last_reload_success_timestamp_seconds: agent(({ configLoadedAtMs }) => configLoadedAtMs / 1000),
  lvsd_ipvs_up: agent(({ isIpvsUp }) => isIpvsUp),

  lvsd_service_info: ({ services }, emit) => {
    for (const { now } of services) emit(serviceInfo(now), 1);
  },
  lvsd_service_up: service(({ decision }) => decision.isUp),
  lvsd_service_servers: ({ services }, emit) => {
    for (const { now, labels } of services) emitStates(now, labels, emit);
  },
  lvsd_service_fallback_active: service(({ decision }) => decision.isFallbackActive),
  lvsd_service_fail_open_active: service(({ decision }) => decision.isFailOpenActive),
  lvsd_service_transitions_total: ({ services }, emit) => emitTransitions(services, emit),
  lvsd_service_connections_total: traffic('connections'),
  lvsd_service_incoming_packets_total: traffic('incomingPackets'),
  lvsd_service_outgoing_packets_total: traffic('outgoingPackets'),
  lvsd_service_incoming_bytes_total: traffic('incomingBytes'),
  lvsd_service_outgoing_bytes_total: traffic('outgoingBytes'),

  lvsd_server_info: ({ servers }, emit) => {
    for (const server of servers) emit(serverInfo(server), 1);
  },
  lvsd_server_up: server(({ health }) => health === 'up'),
  lvsd_server_state: ({ servers }, emit) => {
    for (const { now, labels } of servers) {
      for (const state of serverStates) emit(`${labels},state="${state}"`, Number(now.state === state));
    }
  },
  lvsd_server_weight: ({ servers }, emit) => {
    for (const { now, labels } of servers) {
      for (const kind of ['configured', 'desired', 'kernel'] as const) {
        emitKnown(emit, `${labels},kind="${kind}"`, now.weight[kind]);
      }
    }
  },
  lvsd_server_transitions_total: ({ servers }, emit) => emitTransitions(servers, emit),
  lvsd_server_last_change_timestamp_seconds: server(({ lastChangeAtMs }) =>
    lastChangeAtMs === undefined ? undefined : lastChangeAtMs / 1000,
  ),
  lvsd_server_connections_active: server(({ connections }) => connections?.active),
  lvsd_server_connections_inactive: server(({ connections }) => connections?.inactive),

  lvsd_check_up: check(({ health }) => health === 'up'),
  lvsd_check_success: check(({ last }) =>
    last?.result.kind === 'observation' ? outcomeOf(last.result) === 'pass' : undefined,
  ),
  lvsd_check_runs_total: ({ checks }, emit) => {
    for (const { labels, runs } of checks) {
      for (const result of ['pass', 'fail', 'inconclusive'] as const)
        emit(`${labels},result="${result}"`, runs[result]);
    }
  },
  lvsd_check_failures_total: ({ checks }, emit) => {
    for (const { labels, failures } of checks) {
      for (const [reason, count] of failures) emit(`${labels},reason="${reason}"`, count);
    }
  },
  lvsd_check_last_duration_seconds: check(({ last }) => (last === undefined ? undefined : last.durationMs / 1000)),
} as const satisfies Partial<Record<MetricName, Write>>;

type Write = (scene: Scene, emit: Emit) => void;
type Value = number | boolean | undefined;

function agent(value: (snapshot: Snapshot) => Value): Write {
  return ({ snapshot }, emit) => emitKnown(emit, '', snapshot === undefined ? 0 : value(snapshot));
}

function service(value: (service: ServiceSnapshot) => Value): Write {
  return ({ services }, emit) => {
    for (const { now, labels } of services) emitKnown(emit, labels, value(now));
  };
}

function server(value: (server: ServerSnapshot) => Value): Write {
  return ({ servers }, emit) => {
    for (const { now, labels } of servers) emitKnown(emit, labels, value(now));
  };
}

function check(value: (check: CheckSnapshot) => Value): Write {
  return ({ checks }, emit) => {
    for (const { now, labels } of checks) emitKnown(emit, labels, value(now));
  };
}

function traffic(counter: keyof Traffic): Write {
  return service(({ traffic }) => traffic?.[counter]);
}

/** A series that has no value now is not shown. */
function emitKnown(emit: Emit, labels: string, value: Value): void {
  if (value !== undefined) emit(labels, Number(value));
}

function emitTransitions(rows: readonly TransitionCounts[], emit: Emit): void {
  for (const { labels, to } of rows) {
    emit(`${labels},to="up"`, to.up);
    emit(`${labels},to="down"`, to.down);
  }
}

function emitStates({ servers }: ServiceSnapshot, labels: string, emit: Emit): void {
  const counts = { up: 0, down: 0, unknown: 0, draining: 0, maintenance: 0 };
  for (const { isFallback, state } of servers) if (!isFallback) counts[state] += 1;
  for (const state of serverStates) emit(`${labels},state="${state}"`, counts[state]);
}

function serviceInfo({ service }: ServiceSnapshot): string {
  const { identity, name, scheduler } = service;
  const forwarding = [...new Set(service.servers.map(({ forwarding }) => forwarding))].join(',');
  const [address, protocol, mark] =
    identity.kind === 'fwmark' ? ['', '', `${identity.mark}`] : [formatEndpoint(identity), identity.protocol, ''];
  return labelText(metricTable.lvsd_service_info.labels, [name, address, protocol, mark, scheduler, forwarding]);
}

function serverInfo({ labels, config, service }: ServerScene): string {
  const { address, port, proto, mark } = localSide(service.identity);
  const names = metricTable.lvsd_server_info.labels.slice(2);
  return `${labels},${labelText(names, [config.forwarding, address, port, config.address, `${config.port}`, proto, mark])}`;
}

/**
 * As node_exporter reads it from /proc/net/ip_vs: `FWM  0000000A wlc`, the mark in eight hexadecimal digits, no address
 * and port 0.
 */
function localSide(identity: ServiceIdentity): { address: string; port: string; proto: string; mark: string } {
  if (identity.kind === 'address') {
    return { address: identity.address, port: `${identity.port}`, proto: identity.protocol.toUpperCase(), mark: '' };
  }
  return { address: '', port: '0', proto: 'FWM', mark: identity.mark.toString(16).toUpperCase().padStart(8, '0') };
}
