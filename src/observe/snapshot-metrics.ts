import { formatEndpoint } from '../core/address.ts';
import type { Server } from '../core/config.ts';
import { serverStates } from '../core/fleet.ts';
import type { CheckSnapshot, ServerSnapshot, ServiceSnapshot, Snapshot } from '../core/snapshot.ts';
import type { ServiceIdentity, Traffic } from '../core/table.ts';
import { type Emit, labelText } from './exposition.ts';
import { type MetricName, metricTable } from './metric-table.ts';
import type { CheckCounts, TransitionCounts } from './series.ts';

/** `labels` are in the text format. */
export interface ServiceRow extends TransitionCounts {
  readonly labels: string;
  readonly now: ServiceSnapshot;
}

export interface ServerRow extends TransitionCounts {
  readonly labels: string;
  readonly now: ServerSnapshot;
  readonly config: Server;
  readonly service: ServiceSnapshot['service'];
}

export interface CheckRow extends CheckCounts {
  readonly labels: string;
  readonly now: CheckSnapshot;
}

type Write<Row> = (row: Row, emit: Emit) => void;
type Value = number | boolean | undefined;

/** Write the samples of the metrics that a snapshot shows: of the agent, of one service, one server, one check. */
export const agentMetrics = {
  lvsd_ready: agent(({ isReady }) => isReady),
  lvsd_config_last_reload_successful: agent(({ isConfigCurrent }) => isConfigCurrent),
  lvsd_config_last_reload_success_timestamp_seconds: agent(({ configLoadedAtMs }) => configLoadedAtMs / 1000),
  lvsd_ipvs_up: agent(({ isIpvsUp }) => isIpvsUp),
} as const satisfies Partial<Record<MetricName, Write<Snapshot | undefined>>>;

export const serviceMetrics = {
  lvsd_service_info: ({ now }, emit) => emit(serviceInfo(now), 1),
  lvsd_service_up: service(({ decision }) => decision.isUp),
  lvsd_service_servers: emitStates,
  lvsd_service_fallback_active: service(({ decision }) => decision.isFallbackActive),
  lvsd_service_fail_open_active: service(({ decision }) => decision.isFailOpenActive),
  lvsd_service_transitions_total: emitTransitions,
  lvsd_service_connections_total: traffic('connections'),
  lvsd_service_incoming_packets_total: traffic('incomingPackets'),
  lvsd_service_outgoing_packets_total: traffic('outgoingPackets'),
  lvsd_service_incoming_bytes_total: traffic('incomingBytes'),
  lvsd_service_outgoing_bytes_total: traffic('outgoingBytes'),
} as const satisfies Partial<Record<MetricName, Write<ServiceRow>>>;

export const serverMetrics = {
  lvsd_server_info: (row, emit) => emit(serverInfo(row), 1),
  lvsd_server_up: server(({ health }) => health === 'up'),
  lvsd_server_state: ({ now, labels }, emit) => {
    for (const state of serverStates) emit(`${labels},state="${state}"`, Number(now.state === state));
  },
  lvsd_server_weight: ({ now, labels }, emit) => {
    for (const kind of ['configured', 'desired', 'kernel'] as const) {
      emitKnown(emit, `${labels},kind="${kind}"`, now.weight[kind]);
    }
  },
  lvsd_server_transitions_total: emitTransitions,
  lvsd_server_last_change_timestamp_seconds: server(({ lastChangeAtMs }) =>
    lastChangeAtMs === undefined ? undefined : lastChangeAtMs / 1000,
  ),
  lvsd_server_connections_active: server(({ connections }) => connections?.active),
  lvsd_server_connections_inactive: server(({ connections }) => connections?.inactive),
} as const satisfies Partial<Record<MetricName, Write<ServerRow>>>;

export const checkMetrics = {
  lvsd_check_up: check(({ health }) => health === 'up'),
  lvsd_check_success: check(({ last }) =>
    last === undefined || last.outcome === 'inconclusive' ? undefined : last.outcome === 'pass',
  ),
  lvsd_check_runs_total: ({ labels, runs }, emit) => {
    for (const result of ['pass', 'fail', 'inconclusive'] as const) emit(`${labels},result="${result}"`, runs[result]);
  },
  lvsd_check_failures_total: ({ labels, failures }, emit) => {
    for (const [reason, count] of failures ?? []) emit(`${labels},reason="${reason}"`, count);
  },
  lvsd_check_last_duration_seconds: check(({ last }) => (last === undefined ? undefined : last.durationMs / 1000)),
} as const satisfies Partial<Record<MetricName, Write<CheckRow>>>;

function agent(value: (snapshot: Snapshot) => Value): Write<Snapshot | undefined> {
  return (snapshot, emit) => emitKnown(emit, '', snapshot === undefined ? 0 : value(snapshot));
}

function service(value: (service: ServiceSnapshot) => Value): Write<ServiceRow> {
  return ({ now, labels }, emit) => emitKnown(emit, labels, value(now));
}

function server(value: (server: ServerSnapshot) => Value): Write<ServerRow> {
  return ({ now, labels }, emit) => emitKnown(emit, labels, value(now));
}

function check(value: (check: CheckSnapshot) => Value): Write<CheckRow> {
  return ({ now, labels }, emit) => emitKnown(emit, labels, value(now));
}

function traffic(counter: keyof Traffic): Write<ServiceRow> {
  return service(({ traffic }) => traffic?.[counter]);
}

/** A series that has no value now is not shown. */
function emitKnown(emit: Emit, labels: string, value: Value): void {
  if (value !== undefined) emit(labels, Number(value));
}

function emitTransitions({ labels, to }: ServiceRow | ServerRow, emit: Emit): void {
  emit(`${labels},to="up"`, to.up);
  emit(`${labels},to="down"`, to.down);
}

function emitStates({ now, labels }: ServiceRow, emit: Emit): void {
  const counts = { up: 0, down: 0, unknown: 0, draining: 0, maintenance: 0 };
  for (const { isFallback, state } of now.servers) if (!isFallback) counts[state] += 1;
  for (const state of serverStates) emit(`${labels},state="${state}"`, counts[state]);
}

function serviceInfo({ service }: ServiceSnapshot): string {
  const { identity, name, scheduler } = service;
  const forwarding = [...new Set(service.servers.map(({ forwarding }) => forwarding))].join(',');
  const [address, protocol, mark] =
    identity.kind === 'fwmark' ? ['', '', `${identity.mark}`] : [formatEndpoint(identity), identity.protocol, ''];
  return labelText(metricTable.lvsd_service_info.labels, [name, address, protocol, mark, scheduler, forwarding]);
}

function serverInfo({ labels, config, service }: ServerRow): string {
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
