import { parseEndpoint } from '../core/address.ts';
import { type Drift, rowName } from '../core/drift.ts';
import type { AgentEvent, CheckRef, ServerChange, ServerRef } from '../core/event.ts';
import type { Observation } from '../core/observation.ts';
import type { Override } from '../core/override.ts';
import { printable } from '../core/printable.ts';
import { type Change, settingChange, tableChange } from './change.ts';
import type { LogAction } from './log-table.ts';

/** One line of the log, before it has a time and a format. */
export interface LogEntry {
  readonly action: LogAction;
  /** For people, and free to change. Foreign text in it is printable and bounded. */
  readonly message: string;
  /** In the order in which they are written; undefined ones are not. */
  readonly fields: Fields;
  /** What repeats itself: the same `kind` of the same `key` is worth a line a minute. */
  readonly repeat?: { readonly key: string; readonly kind: string };
  /** What many may have in common: the first few in a minute are worth a line each, all others one. */
  readonly crowd?: string;
}

export type Fields = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** The lines that an event is worth. */
export function entriesOf(event: AgentEvent): readonly LogEntry[] {
  switch (event.type) {
    case 'agent_started': {
      const { version, services, servers } = event;
      const message = `lvsd ${version} started with ${services} services and ${servers} servers`;
      return [entry('agent_started', message, { 'service.version': version, ...totals(event) })];
    }
    case 'agent_ready':
      return [entry('agent_ready', 'Ready: the first verdicts are in the table')];
    case 'agent_stopping':
      return [entry('agent_stopping', `Stopping: ${printable(event.cause)}`)];
    case 'agent_stopped':
      return [entry('agent_stopped', 'Stopped')];
    case 'agent_warning': {
      const { code, message } = event;
      return [entry('agent_warning', printable(message), { 'error.code': code, 'error.message': message })];
    }
    case 'check_ran':
      return event.checks.map((check) => runEntry(check, event));
    case 'server_changed':
      return event.to === 'unknown' ? [] : [changeEntry(event, event.to)];
    case 'override_changed':
      return [...overrideEnded(event, event.from), ...overrideBegun(event, event.to)];
    case 'server_drain_finished':
      return [serverEntry('server_drain_finished', event, 'is drained: its connections have ended')];
    case 'service_changed': {
      const { service, to, serversUp, serversTotal } = event;
      const message = `${service} is ${to}: ${serversUp} of ${serversTotal} servers in rotation`;
      return [
        entry(`service_${to}`, message, {
          'lvs.service': service,
          ...upOf(event),
          'event.outcome': outcome(to === 'up'),
        }),
      ];
    }
    case 'fallback_changed': {
      const [action, says] = event.isActive
        ? (['fallback_on', 'its fallback servers stand in'] as const)
        : (['fallback_off', 'its fallback servers stand in no more'] as const);
      return [entry(action, `${event.service}: ${says}`, { 'lvs.service': event.service })];
    }
    case 'fail_open_changed': {
      const [action, says] = event.isActive
        ? (['fail_open_on', 'fails open: servers that are down stay in the table'] as const)
        : (['fail_open_off', 'fails open no more'] as const);
      return [entry(action, `${event.service} ${says}`, { 'lvs.service': event.service })];
    }
    case 'reconciled':
      return event.results.flatMap(({ op, error }) =>
        error === undefined ? [] : [refusalEntry(tableChange(op), error)],
      );
    case 'settings_changed':
      return event.results.flatMap(({ op, error }) =>
        error === undefined ? [] : [refusalEntry(settingChange(op), error)],
      );
    case 'op_planned':
      return [planEntry(tableChange(event.op))];
    case 'setting_planned':
      return [planEntry(settingChange(event.op))];
    case 'drift_found':
      return event.drifts.map((drift) => driftEntry(drift, event.isRepaired));
    case 'ipvs_unreachable': {
      const { code, message } = event;
      const says = `Cannot reach the IPVS of the kernel: ${printable(message)}`;
      return [
        entry('ipvs_unreachable', says, { 'event.outcome': 'failure', 'error.code': code, 'error.message': message }),
      ];
    }
    case 'ipvs_recovered':
      return [entry('ipvs_recovered', 'The IPVS of the kernel answers again', { 'event.outcome': 'success' })];
    case 'config_reloaded': {
      const message = `Configuration reloaded: ${event.services} services, ${event.servers} servers`;
      return [entry('config_reloaded', message, { ...totals(event), 'event.outcome': 'success' })];
    }
    case 'config_rejected': {
      const issues = event.issues.slice(0, issuesShown).map((issue) => printable(issue));
      if (event.issues.length > issuesShown) issues.push(`${event.issues.length - issuesShown} more`);
      const message = `Configuration rejected, the old one goes on: ${issues.join('; ')}`;
      return [entry('config_rejected', message, { 'event.outcome': 'failure', 'lvs.issues': issues })];
    }
  }
}

/** The line for those of a `crowd` that were not worth their own. */
export function crowdEntry(code: string, count: number): LogEntry {
  const message = `${count} more checks learned nothing, through a fault of ours: ${code}`;
  return entry('check_inconclusive', message, { 'event.outcome': 'unknown', 'error.code': code });
}

/** `lvsd config check` shows them all. */
const issuesShown = 20;

function entry(action: LogAction, message: string, fields: Fields = {}): LogEntry {
  return { action, message, fields };
}

function serverEntry(action: LogAction, ref: ServerRef, says: string): LogEntry {
  return entry(action, `${ref.service}: ${ref.server} ${says}`, serverFields(ref));
}

/** Its fields in one literal: where ten thousand servers change at once, to put objects together costs ten times as much. */
function changeEntry(change: ServerChange, to: 'up' | 'down'): LogEntry {
  const { service, server, isFallback, observation, serversUp, serversTotal } = change;
  const why = observation === undefined ? 'by a reload' : sight(observation);
  const who = isFallback ? `fallback server ${server}` : server;
  return entry(`server_${to}`, `${service}: ${who} is ${to}: ${why}; ${serversUp} of ${serversTotal} servers up`, {
    'lvs.service': service,
    'lvs.server': server,
    'server.ip': change.address,
    'server.port': change.port,
    'lvs.reason': observation?.reason,
    'lvs.state.from': change.from,
    'lvs.state.to': to,
    'lvs.weight.from': change.weightFrom,
    'lvs.weight.to': change.weightTo,
    'lvs.servers.up': serversUp,
    'lvs.servers.total': serversTotal,
    'event.outcome': outcome(to === 'up'),
    'error.message': to === 'down' ? observation?.detail : undefined,
  });
}

function overrideBegun(ref: ServerRef, to: Override | undefined): readonly LogEntry[] {
  if (to === undefined) return [];
  return to === 'drain'
    ? [serverEntry('server_drain_started', ref, 'drains: no new connections')]
    : [serverEntry('maintenance_on', ref, 'is in maintenance: out of the table')];
}

function overrideEnded(ref: ServerRef, from: Override | undefined): readonly LogEntry[] {
  if (from === undefined) return [];
  return from === 'drain'
    ? [serverEntry('server_drain_finished', ref, 'drains no more')]
    : [serverEntry('maintenance_off', ref, 'is out of maintenance: its health decides')];
}

function runEntry(check: CheckRef, { result, durationMs }: Extract<AgentEvent, { type: 'check_ran' }>): LogEntry {
  const who = `${check.service}: ${check.server} check ${check.check}`;
  const about = { ...serverFields(check), 'lvs.check': check.check };
  // ECS: event.duration is in nanoseconds.
  const duration = { 'event.duration': Math.round(durationMs * 1e6) };
  if (result.kind === 'inconclusive') {
    const { code, message } = result.inconclusive;
    const says = `${who} learned nothing, through a fault of ours: ${code} ${printable(message)}`;
    const fields = { ...about, ...duration, 'event.outcome': 'unknown', 'error.code': code, 'error.message': message };
    return { ...entry('check_inconclusive', says, fields), repeat: { key: who, kind: code }, crowd: code };
  }
  const { pass, reason, detail } = result.observation;
  return entry(
    pass ? 'check_passed' : 'check_failed',
    `${who} ${pass ? 'passed' : 'failed'}: ${sight(result.observation)}`,
    {
      ...about,
      'lvs.reason': reason,
      ...duration,
      'event.outcome': outcome(pass),
      'error.message': pass ? undefined : detail,
    },
  );
}

function refusalEntry(change: Change, error: string): LogEntry {
  const reason = change.reasonFor(error);
  const why = reason === undefined ? '' : `: ${reason}`;
  const message = `Cannot apply ${change.command()}: kernel answered ${error}${why}`;
  const fields = { ...changeFields(change), 'event.outcome': 'failure', 'error.code': error, 'error.message': reason };
  return { ...entry('ipvs_op_failed', message, fields), repeat: { key: change.key, kind: error } };
}

function planEntry(change: Change): LogEntry {
  return entry('ipvs_op_planned', `Would apply ${change.command()}`, changeFields(change));
}

function changeFields({ row, command }: Change): Fields {
  return { 'lvs.row': row, 'lvs.op': command() };
}

function driftEntry(drift: Drift, isRepaired: boolean): LogEntry {
  const says = { missing: 'is missing', extra: 'is not ours', different: 'is different' }[drift.kind];
  const message = `Somebody else changed the table: ${rowName(drift)} ${says}; ${isRepaired ? 'repaired' : 'left so'}`;
  const fields = { 'lvs.row': rowName(drift), 'lvs.drift': drift.kind };
  return entry(isRepaired ? 'ipvs_drift_repaired' : 'ipvs_drift_found', message, fields);
}

function serverFields({ service, server }: ServerRef): Fields {
  const endpoint = parseEndpoint(server);
  const { address, port } = endpoint.ok ? endpoint.value : { address: undefined, port: undefined };
  return { 'lvs.service': service, 'lvs.server': server, 'server.ip': address, 'server.port': port };
}

function upOf({ serversUp, serversTotal }: { readonly serversUp: number; readonly serversTotal: number }): Fields {
  return { 'lvs.servers.up': serversUp, 'lvs.servers.total': serversTotal };
}

function totals({ services, servers }: { readonly services: number; readonly servers: number }): Fields {
  return { 'lvs.services.total': services, 'lvs.servers.total': servers };
}

function sight({ reason, detail }: Observation): string {
  return `${reason} ${printable(detail)}`.trimEnd();
}

function outcome(isGood: boolean): string {
  return isGood ? 'success' : 'failure';
}
