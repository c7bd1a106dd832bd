import type { Server } from './config.ts';
import type { ServerState } from './fleet.ts';
import type { Health } from './health.ts';
import type { LastRun, RunOutcome } from './last-run.ts';
import { printable } from './printable.ts';
import type { CheckSnapshot, EngineName, ServerSnapshot, ServiceSnapshot, Snapshot } from './snapshot.ts';
import { type Connections, serviceKey } from './table.ts';

/** What `GET /v1/status` answers and `lvsd status --json` prints. Times are RFC 3339; null: there is none. */
export interface Status {
  /** Grows when a key changes its meaning or goes away; new keys may come at any time. */
  readonly schema_version: 1;
  readonly version: string;
  readonly ready: boolean;
  readonly ipvs_up: boolean;
  readonly config_current: boolean;
  readonly engine: EngineName;
  /** Why it is not `libc`; one printable line. */
  readonly engine_fault: string | null;
  readonly config_loaded_at: string;
  readonly services: readonly ServiceStatusView[];
}

export interface ServiceStatusView {
  readonly name: string;
  /** As `ipvsadm -L -n` prints it: `TCP 192.0.2.1:80`, `FWM 8`. */
  readonly address: string;
  readonly scheduler: string;
  readonly up: boolean;
  readonly fallback_active: boolean;
  readonly fail_open_active: boolean;
  readonly servers_up: number;
  readonly servers_total: number;
  readonly servers: readonly ServerStatusView[];
}

export interface ServerStatusView {
  /** As `ipvsadm -L -n` prints it. */
  readonly server: string;
  readonly fallback: boolean;
  readonly forwarding: Server['forwarding'] | null;
  readonly state: ServerState;
  readonly health: Health;
  readonly since: string | null;
  /** null: not in that table. */
  readonly weight: { readonly configured: number; readonly desired: number | null; readonly kernel: number | null };
  readonly connections: Connections | null;
  readonly checks: readonly CheckStatusView[];
}

export interface CheckStatusView {
  readonly name: string;
  readonly type: string;
  readonly health: Health;
  readonly last: LastRunView | null;
}

export interface LastRunView {
  readonly result: RunOutcome;
  /** A code of HAProxy's; of an inconclusive run, an errno name. */
  readonly reason: string;
  /** One printable line. */
  readonly detail: string;
  readonly duration_ms: number;
}

/** The snapshot as people and their scripts read it: the text of a `Status`, server by server. */
export function* statusText(snapshot: Snapshot): Generator<string, void> {
  yield `${open(headOf(snapshot))},"services":[`;
  for (const [index, service] of snapshot.services.entries()) {
    yield `${index === 0 ? '' : ','}${open(serviceView(service))},"servers":[`;
    const configs = [...service.service.servers, ...service.service.fallbackServers];
    for (const [place, server] of service.servers.entries()) {
      yield `${place === 0 ? '' : ','}${JSON.stringify(serverView(server, configs[place]))}`;
    }
    yield ']}';
  }
  yield ']}\n';
}

/** An object as JSON, without its end. */
function open(value: object): string {
  return JSON.stringify(value).slice(0, -1);
}

/** Whether a service, or a server that nobody took out on purpose, is down. */
export function isSomethingDown({ services }: Status): boolean {
  return services.some(({ up, servers }) => !up || servers.some(({ state }) => state === 'down'));
}

function headOf(snapshot: Snapshot): Omit<Status, 'services'> {
  return {
    schema_version: 1,
    version: snapshot.version,
    ready: snapshot.isReady,
    ipvs_up: snapshot.isIpvsUp,
    config_current: snapshot.isConfigCurrent,
    engine: snapshot.engine,
    engine_fault: snapshot.engineFault === undefined ? null : printable(snapshot.engineFault),
    config_loaded_at: timestamp(snapshot.configLoadedAtMs),
  };
}

function serviceView({ service, decision }: ServiceSnapshot): Omit<ServiceStatusView, 'servers'> {
  return {
    name: service.name,
    address: serviceKey(service.identity),
    scheduler: service.scheduler,
    up: decision.isUp,
    fallback_active: decision.isFallbackActive,
    fail_open_active: decision.isFailOpenActive,
    servers_up: decision.serversUp,
    servers_total: service.servers.length,
  };
}

function serverView(server: ServerSnapshot, config: Server | undefined): ServerStatusView {
  const { configured, desired, kernel } = server.weight;
  return {
    server: server.key,
    fallback: server.isFallback,
    forwarding: config?.forwarding ?? null,
    state: server.state,
    health: server.health,
    since: server.lastChangeAtMs === undefined ? null : timestamp(server.lastChangeAtMs),
    weight: { configured, desired: desired ?? null, kernel: kernel ?? null },
    connections: server.connections ?? null,
    checks: server.checks.map(checkView),
  };
}

function checkView({ check, type, health, last }: CheckSnapshot): CheckStatusView {
  return { name: check, type, health, last: last === undefined ? null : lastRunView(last) };
}

function lastRunView({ outcome, code, detail, durationMs }: LastRun): LastRunView {
  return { result: outcome, reason: code, detail: printable(detail), duration_ms: durationMs };
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}
