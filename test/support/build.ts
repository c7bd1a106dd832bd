import type { Check, Config, Server, Service } from '../../src/core/config.ts';
import { noSettings } from '../../src/core/settings.ts';
import type { ServerRow, ServiceRow, Table } from '../../src/core/table.ts';
import { serverKey, serviceKey, serviceRow } from '../../src/core/table.ts';

/** Plain data for tests: each function fills in what a test does not care about. */

export function aServer(address: string, changes: Partial<Server> = {}): Server {
  return {
    address,
    port: 80,
    forwarding: 'nat',
    weight: 1,
    upperThreshold: 0,
    lowerThreshold: 0,
    checks: [aCheck({ target: { address, port: 80 } })],
    ...changes,
  };
}

export function aCheck(changes: Partial<Check> = {}): Check {
  return {
    name: 'tcp',
    type: 'tcp',
    target: { address: '10.0.0.1', port: 80 },
    options: {},
    intervalMs: 5000,
    timeoutMs: 1000,
    retryIntervalMs: 500,
    jitter: 0,
    isWatched: false,
    fall: 3,
    rise: 2,
    ...changes,
  };
}

export function aService(changes: Partial<Service> = {}): Service {
  return {
    name: 'web',
    identity: { kind: 'address', protocol: 'tcp', address: '192.0.2.1', port: 80 },
    interface: undefined,
    marks: [],
    scheduler: 'wlc',
    schedulerFlags: [],
    isOnePacket: false,
    persistence: undefined,
    onFailure: 'remove',
    failOpen: { when: 'all_down' },
    servers: [aServer('10.0.0.1'), aServer('10.0.0.2')],
    fallbackServers: [],
    ...changes,
  };
}

export function aConfig(services: readonly Service[] = [aService()], changes: Partial<Config> = {}): Config {
  return {
    agent: {
      metricsListen: undefined,
      metricsDetail: 'check',
      adminSocket: undefined,
      logFormat: 'json',
      logLevel: 'info',
      transitionFile: undefined,
      reconcileIntervalMs: 5000,
      onDrift: 'repair',
      onStop: 'leave',
      stateDir: undefined,
    },
    settings: noSettings,
    director: { interface: undefined },
    services,
    maintenance: [],
    ...changes,
  };
}

export function aRow(address: string, changes: Partial<ServerRow> = {}): ServerRow {
  return { address, port: 80, forwarding: 'nat', weight: 1, upperThreshold: 0, lowerThreshold: 0, ...changes };
}

export function aServiceRow(changes: Partial<ServiceRow> = {}): ServiceRow {
  return { ...serviceRow(aService()), ...changes };
}

export function aTable(...services: readonly [ServiceRow, ...ServerRow[]][]): Table {
  return new Map(
    services.map(([service, ...rows]) => [
      serviceKey(service.identity),
      { ...service, servers: new Map(rows.map((row) => [serverKey(row), row])) },
    ]),
  );
}
