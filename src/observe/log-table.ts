import type { LogLevel } from '../core/config.ts';

/** Every `event.action` that the log knows: how urgent it is, and when it is written. */
export const logTable = {
  agent_started: row('notice', 'The agent has read its configuration and begins to probe.'),
  agent_ready: row('notice', 'The first verdicts are in and the table was reconciled with them.'),
  agent_stopping: row('notice', 'The agent was asked to stop.'),
  agent_stopped: row('notice', 'Nothing of the agent runs any more.'),
  agent_warning: row('warn', 'Something of the agent that is not vital failed, such as writing its state file.'),
  server_up: row('notice', 'A server, or a fallback server, is up: after `rise` passes, or with its first verdict.'),
  server_down: row(
    'error',
    'A server, or a fallback server, is down: after `fall` failures, or with its first verdict.',
  ),
  service_up: row('notice', 'A service has a server in rotation again.'),
  service_down: row('fatal', 'A service has no server in rotation.'),
  fallback_on: row('error', 'The fallback servers of a service stand in.'),
  fallback_off: row('notice', 'They no longer do.'),
  fail_open_on: row('error', 'Servers stay in the table although they are down.'),
  fail_open_off: row('notice', 'They no longer do.'),
  server_drain_started: row('notice', 'An operator, or a window, drains a server: it gets no new connections.'),
  server_drain_finished: row('notice', 'The connections of a draining server have ended, or it drains no more.'),
  maintenance_on: row('notice', 'An operator, or a window, takes a server out of the table.'),
  maintenance_off: row('notice', 'Its health decides again.'),
  ipvs_op_failed: row('error', 'The kernel refused a change. The same refusal is logged once a minute at most.'),
  ipvs_op_planned: row('info', 'Dry run: a change that would have been made.'),
  ipvs_unreachable: row('error', 'The IPVS of the kernel cannot be read or written. Probing goes on.'),
  ipvs_recovered: row('notice', 'It can again.'),
  ipvs_drift_repaired: row('warn', 'Somebody else changed a row of ours; it is as it was. One line a row, 20 at most.'),
  ipvs_drift_found: row('warn', 'The same with `on_drift: report`: it is left so.'),
  config_reloaded: row('notice', 'A new configuration runs.'),
  config_rejected: row('error', 'A new configuration has mistakes: the old one goes on.'),
  check_inconclusive: row(
    'warn',
    'A run taught nothing through a fault of ours. Once a minute at most for each check, 20 times for each fault.',
  ),
  check_failed: row('debug', 'One run failed.'),
  check_passed: row('debug', 'One run passed.'),
} as const satisfies Readonly<Record<string, LogRow>>;

export type LogAction = keyof typeof logTable;

export interface LogRow {
  readonly level: LogLevel;
  readonly when: string;
}

function row(level: LogLevel, when: string): LogRow {
  return { level, when };
}
