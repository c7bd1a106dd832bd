/** A metric as its readers know it: name, type, labels in order, help. */
export interface MetricRow {
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

const service = ['service'] as const;
const server = ['service', 'server'] as const;
const check = ['service', 'server', 'check', 'type'] as const;

/** Every metric of ours, in the order of the exposition. */
export const metricTable = {
  lvsd_build_info: row('gauge', ['version', 'nodejs'], 'Always 1; its labels say which lvsd runs on which Node.js.'),
  lvsd_ready: row('gauge', [], '1 once the first verdicts are in and the table was reconciled with them.'),
  lvsd_config_last_reload_successful: row('gauge', [], '1 if the configuration file last read is the one that runs.'),
  lvsd_config_last_reload_success_timestamp_seconds: row('gauge', [], 'When the configuration that runs was loaded.'),
  lvsd_ipvs_up: row('gauge', [], '1 if the last exchange with the IPVS of the kernel worked.'),
  lvsd_ipvs_operations_total: row('counter', ['operation', 'result'], 'Changes asked of the table of the kernel.'),
  lvsd_reconcile_runs_total: row('counter', ['trigger', 'result'], 'Comparisons of the table with the wanted one.'),
  lvsd_reconcile_duration_seconds: row('histogram', [], 'Time to read the table, compare it and change what differs.'),
  lvsd_reconcile_drift_total: row('counter', ['kind'], 'Rows of ours that somebody else changed.'),
  lvsd_check_scheduler_lag_seconds: row('histogram', [], 'From the planned start of a check to its real start.'),
  lvsd_service_info: row(
    'gauge',
    ['service', 'address', 'protocol', 'fwmark', 'scheduler', 'forwarding'],
    'Always 1; its labels describe the service. Empty: does not apply.',
  ),
  lvsd_service_up: row('gauge', service, '1 while a server, not a fallback server, is in rotation.'),
  lvsd_service_servers: row('gauge', ['service', 'state'], 'Servers by state, without fallback servers.'),
  lvsd_service_fallback_active: row('gauge', service, '1 while the fallback servers stand in.'),
  lvsd_service_fail_open_active: row('gauge', service, '1 while servers are kept in the table although they are down.'),
  lvsd_service_transitions_total: row('counter', ['service', 'to'], 'How often the service went up or down.'),
  lvsd_service_connections_total: row('counter', service, 'Connections, as the kernel counts them.'),
  lvsd_service_incoming_packets_total: row('counter', service, 'Packets from clients, as the kernel counts them.'),
  lvsd_service_outgoing_packets_total: row(
    'counter',
    service,
    'Packets to clients, as the kernel counts them: none with dr and tun, whose answers bypass the director.',
  ),
  lvsd_service_incoming_bytes_total: row('counter', service, 'Bytes from clients, as the kernel counts them.'),
  lvsd_service_outgoing_bytes_total: row(
    'counter',
    service,
    'Bytes to clients, as the kernel counts them: none with dr and tun, whose answers bypass the director.',
  ),
  lvsd_server_info: row(
    'gauge',
    [
      'service',
      'server',
      'forwarding',
      'local_address',
      'local_port',
      'remote_address',
      'remote_port',
      'proto',
      'local_mark',
    ],
    'Always 1; carries the labels that node_exporter gives its node_ipvs_backend series, for joins.',
  ),
  lvsd_server_up: row('gauge', server, '1 while the health of the server is up, whatever an operator asked for.'),
  lvsd_server_state: row(
    'gauge',
    ['service', 'server', 'state'],
    '1 for the state the server is in, 0 for the others.',
  ),
  lvsd_server_weight: row(
    'gauge',
    ['service', 'server', 'kind'],
    'Weight: configured, desired now, and in the kernel. Absent: not in that table.',
  ),
  lvsd_server_transitions_total: row('counter', ['service', 'server', 'to'], 'How often the server went up or down.'),
  lvsd_server_last_change_timestamp_seconds: row(
    'gauge',
    server,
    'When the health of the server last changed. Absent: not since the start.',
  ),
  lvsd_server_connections_active: row('gauge', server, 'Established connections, as the kernel counts them.'),
  lvsd_server_connections_inactive: row('gauge', server, 'Other connections, as the kernel counts them.'),
  lvsd_check_up: row('gauge', check, '1 while the check holds the server to be up, after rise and fall.'),
  lvsd_check_success: row(
    'gauge',
    check,
    '1 if the last run alone passed. Absent: no run yet, or the last one was inconclusive.',
  ),
  lvsd_check_runs_total: row('counter', [...check, 'result'], 'Runs; inconclusive is a fault of ours.'),
  lvsd_check_failures_total: row('counter', [...check, 'reason'], 'Failed runs by reason, in the codes of HAProxy.'),
  lvsd_check_last_duration_seconds: row('gauge', check, 'How long the last run took.'),
  lvsd_check_duration_seconds: row('histogram', ['service', 'type'], 'How long runs took, without inconclusive ones.'),
} as const satisfies Readonly<Record<string, MetricRow>>;

export type MetricName = keyof typeof metricTable;

export const metricNames = Object.keys(metricTable) as readonly MetricName[];

function row<const Labels extends readonly string[], const Type extends MetricRow['type']>(
  type: Type,
  labels: Labels,
  help: string,
): { readonly type: Type; readonly labels: Labels; readonly help: string } {
  return { type, labels, help };
}
