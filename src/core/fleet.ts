import type { FailOpen, Server, Service } from './config.ts';
import type { Health } from './health.ts';
import type { Override } from './override.ts';
import { type ServerRow, serverKey, serverRow } from './table.ts';

/** What we know of one server of one service. */
export interface ServerStatus {
  readonly health: Health;
  /** Every check of it has been run, if only to learn nothing. */
  readonly isObserved: boolean;
  /** The weight the kernel's table had for it when we started; undefined: it was not there. */
  readonly foundWeight: number | undefined;
  readonly override: Override | undefined;
}

/** What we know of a service: its servers and fallback servers in the order of the configuration. */
export interface ServiceStatus {
  readonly servers: readonly ServerStatus[];
  readonly fallbackServers: readonly ServerStatus[];
  /** What stands in now goes on to do so while servers that came with a reload have not been seen. */
  readonly before: Pick<Decision, 'isFallbackActive' | 'isFailOpenActive'>;
  /** Rows that left the configuration and wait, at weight 0, for their connections to end. */
  readonly leaving: readonly ServerRow[];
}

/** By service name. */
export type Fleet = ReadonlyMap<string, ServiceStatus>;

/** The one word for a server that metrics and people use: what the operator asked for hides its health. */
export type ServerState = Health | 'draining' | 'maintenance';

export const serverStates = [
  'up',
  'down',
  'unknown',
  'draining',
  'maintenance',
] as const satisfies readonly ServerState[];

/** Rows of one service by `serverKey`. */
export type Rows = ReadonlyMap<string, ServerRow>;

/** What is to be done with a service, and the rows that do it. */
export interface Decision {
  readonly rows: Rows;
  /** A server, not a fallback server, is in rotation. */
  readonly isUp: boolean;
  /** Nothing is awaited: a server is in rotation, or every one that could be has been run. */
  readonly isSettled: boolean;
  readonly isFallbackActive: boolean;
  readonly isFailOpenActive: boolean;
  /** Servers in rotation, of all. */
  readonly serversUp: number;
}

const unseen: ServerStatus = { health: 'unknown', isObserved: false, foundWeight: undefined, override: undefined };

export function serverState({ health, override }: Pick<ServerStatus, 'health' | 'override'>): ServerState {
  if (override === 'maintenance') return 'maintenance';
  return override === 'drain' ? 'draining' : health;
}

/** Decides which servers of a service are in the table, and at what weight. */
export function decide(service: Service, status: ServiceStatus): Decision {
  const members = join(service.servers, status.servers);
  const fallbacks = join(service.fallbackServers, status.fallbackServers);
  const eligible = members.filter(({ server, status }) => status.override === undefined && server.weight > 0);
  const inRotation = eligible.filter(({ status }) => status.health === 'up');
  const areSeen = eligible.every(({ status }) => status.isObserved);
  const usableFallbacks = fallbacks.filter(isUsable);

  const isFallbackActive =
    (areSeen || status.before.isFallbackActive) && inRotation.length === 0 && usableFallbacks.length > 0;
  const isFailOpenActive =
    (areSeen || status.before.isFailOpenActive) &&
    usableFallbacks.length === 0 &&
    inRotation.length < eligible.length &&
    failsOpen(service.failOpen, inRotation.length / eligible.length);

  const isObserved = members.every(({ status }) => status.isObserved);
  const fallbackRows = isFallbackActive
    ? usableFallbacks.map(({ server }) => serverRow(server, server.weight))
    : isObserved
      ? []
      : fallbacks.map(asFound);
  const rows = members.map((member) => rowOf(service, member, isFailOpenActive));
  return {
    rows: byKey(rows, fallbackRows, status.leaving),
    isUp: inRotation.length > 0,
    isSettled: areSeen || inRotation.length > 0,
    isFallbackActive,
    isFailOpenActive,
    serversUp: inRotation.length,
  };
}

function isUsable({ server, status }: Member): boolean {
  return status.health !== 'down' && status.override === undefined && server.weight > 0;
}

interface Member {
  readonly server: Server;
  readonly status: ServerStatus;
}

function join(servers: readonly Server[], statuses: readonly ServerStatus[]): readonly Member[] {
  return servers.map((server, index) => ({ server, status: statuses[index] ?? unseen }));
}

function byKey(...lists: (readonly (ServerRow | undefined)[])[]): Rows {
  const found = new Map<string, ServerRow>();
  for (const rows of lists) {
    for (const row of rows) if (row !== undefined) found.set(serverKey(row), row);
  }
  return found;
}

function failsOpen(failOpen: FailOpen, shareUp: number): boolean {
  switch (failOpen.when) {
    case 'all_down':
      return shareUp === 0;
    case 'below':
      return shareUp < failOpen.share;
    case 'never':
      return false;
  }
}

/** Undefined: it is not in the table. */
function rowOf(service: Service, { server, status }: Member, isFailOpenActive: boolean): ServerRow | undefined {
  if (status.override === 'maintenance') return undefined;
  const isDraining = status.override === 'drain';
  if (status.health === 'up' || (isFailOpenActive && status.isObserved))
    return serverRow(server, isDraining ? 0 : server.weight);
  const isKept = status.health === 'down' ? service.onFailure === 'quiesce' : status.foundWeight !== undefined;
  return isKept ? serverRow(server, 0) : undefined;
}

/** A fallback server stays as the kernel has it until every server of its service has been observed. */
function asFound({ server, status }: Member): ServerRow | undefined {
  return status.foundWeight === undefined ? undefined : serverRow(server, status.foundWeight);
}
