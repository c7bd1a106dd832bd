import type { Server, Service } from '../../src/core/config.ts';
import type { CheckRef, RunResult, ServerChange } from '../../src/core/event.ts';
import type { Decision } from '../../src/core/fleet.ts';
import { outcomeOf } from '../../src/core/last-run.ts';
import { fail, type Observation, pass } from '../../src/core/observation.ts';
import type { CheckSnapshot, ServerSnapshot, ServiceSnapshot, Snapshot } from '../../src/core/snapshot.ts';
import { type ServiceIdentity, serverKey } from '../../src/core/table.ts';
import { aCheck } from '../support/build.ts';

export const passing: Observation = pass('L7OK', 'status 200');
export const failing: Observation = fail('L7STS', 'status 503');
export const noDescriptors: RunResult = {
  kind: 'inconclusive',
  inconclusive: { code: 'EMFILE', message: 'too many open files' },
};

export function seen(observation: Observation): RunResult {
  return { kind: 'observation', observation };
}

export function makeServer(address: string, port = 80, weight = 1): Server {
  return {
    address,
    port,
    forwarding: 'dr',
    weight,
    upperThreshold: 0,
    lowerThreshold: 0,
    checks: [aCheck({ name: 'http', type: 'http' })],
  };
}

function makeService(
  name: string,
  identity: ServiceIdentity,
  servers: readonly Server[],
  fallbackServers: readonly Server[] = [],
): Service {
  return {
    name,
    identity,
    interface: undefined,
    marks: [],
    scheduler: 'wlc',
    schedulerFlags: [],
    isOnePacket: false,
    persistence: undefined,
    onFailure: 'remove',
    failOpen: { when: 'all_down' },
    servers,
    fallbackServers,
  };
}

export const web = makeService(
  'web',
  { kind: 'address', protocol: 'tcp', address: '172.16.100.100', port: 80 },
  [makeServer('172.16.100.10', 80, 2), makeServer('172.16.100.11')],
  [{ ...makeServer('127.0.0.1'), checks: [] }],
);

export const byMark = makeService('by-mark', { kind: 'fwmark', mark: 10, family: 'ipv6' }, [
  makeServer('2001:db8::10', 0),
]);

export function ref(service: string, server: string): CheckRef {
  return { service, server, check: 'http', type: 'http' };
}

export function makeSnapshot(services: readonly ServiceSnapshot[]): Snapshot {
  return {
    version: '0.1.0',
    isReady: true,
    isIpvsUp: true,
    isConfigCurrent: true,
    engine: 'libc',
    configLoadedAtMs: Date.UTC(2026, 10, 22, 12, 0, 0),
    services,
  };
}

export function snapshotService(
  service: Service,
  changes: Readonly<Record<string, Partial<ServerSnapshot>>> = {},
  decision: Partial<Decision> = {},
): ServiceSnapshot {
  const members = [...service.servers, ...service.fallbackServers];
  return {
    service,
    decision: {
      rows: new Map(),
      isUp: true,
      isSettled: true,
      isFallbackActive: false,
      isFailOpenActive: false,
      serversUp: service.servers.length,
      ...decision,
    },
    traffic: undefined,
    servers: members.map((server, index) => ({
      ...upServer(service.name, server, index >= service.servers.length),
      ...changes[serverKey(server)],
    })),
  };
}

function upServer(service: string, server: Server, isFallback: boolean): ServerSnapshot {
  const key = serverKey(server);
  return {
    key,
    isFallback,
    health: 'up',
    state: 'up',
    lastChangeAtMs: undefined,
    weight: { configured: server.weight, desired: server.weight, kernel: server.weight },
    connections: undefined,
    checks: isFallback ? [] : [ranCheck(service, key, seen(passing))],
  };
}

export function ranCheck(service: string, server: string, result: RunResult): CheckSnapshot {
  const outcome = outcomeOf(result);
  const isLearned = result.kind === 'observation';
  const code = isLearned ? result.observation.reason : result.inconclusive.code;
  const detail = isLearned ? result.observation.detail : result.inconclusive.message;
  const last = { outcome, code, detail, durationMs: 12 };
  return { ...ref(service, server), health: outcome === 'pass' ? 'up' : 'down', last };
}

export function change(
  to: 'up' | 'down',
  overrides: Partial<ServerChange> = {},
): { type: 'server_changed' } & ServerChange {
  const isUp = to === 'up';
  return {
    type: 'server_changed',
    service: 'web',
    server: '172.16.100.10:80',
    address: '172.16.100.10',
    port: 80,
    isFallback: false,
    from: isUp ? 'down' : 'up',
    to,
    observation: isUp ? passing : failing,
    weightFrom: isUp ? 0 : 2,
    weightTo: isUp ? 2 : 0,
    serversUp: isUp ? 2 : 1,
    serversTotal: 2,
    ...overrides,
  };
}
