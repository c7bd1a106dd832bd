import type { AgentConfig, Config, MaintenanceWindow, Service } from '../core/config.ts';
import { serverKey, serviceKey } from '../core/table.ts';
import { refuseContestedMarks } from './contested-marks.ts';
import { type Context, type Located, type Problems, present } from './context.ts';
import { refuseDuplicates } from './duplicates.ts';
import { resolveService } from './resolve-service.ts';
import { refuseMixedFamilies, resolveSettings } from './resolve-settings.ts';
import type { ConfigFile } from './schema.ts';
import { refuseServersAmongVips, refuseTwoInterfaces } from './vip-places.ts';

/**
 * The effective configuration of a file: defaults filled in, references resolved, rules across keys checked. `known`
 * are services that need no resolving any more, each in the place of its hole in the file.
 */
export function resolveConfig(
  file: ConfigFile,
  problems: Problems,
  known: readonly (Service | undefined)[] = [],
): Config {
  const context: Context = { defaults: file.defaults, checks: file.checks, problems };
  const services = file.services.flatMap((entry, index) => {
    const path = ['services', index];
    const service = known[index] ?? (entry && resolveService(entry, path, context));
    return service === undefined ? [] : [{ value: service, path }];
  });
  const settings = resolveSettings(file.ipvs, problems);
  refuseDuplicateServices(services, problems);
  refuseMixedFamilies(services, settings, problems);
  refuseContestedMarks(services, problems);
  refuseServersAmongVips(services, problems);
  refuseTwoInterfaces(services, file.director.interface, problems);
  if (isWhole(file, known)) refuseUnmatchedMaintenance(file, services, problems);
  return {
    agent: resolveAgent(file.agent),
    director: { interface: file.director.interface },
    settings,
    services: services.map(({ value }) => value),
    maintenance: present(file.maintenance, []).map(({ value }) => resolveWindow(value)),
  };
}

function resolveAgent(agent: ConfigFile['agent']): AgentConfig {
  return {
    metricsListen: agent.metrics.listen,
    metricsDetail: agent.metrics.detail,
    adminSocket: agent.admin.listen,
    logFormat: agent.log.format,
    logLevel: agent.log.level,
    transitionFile: agent.log.transition_file,
    reconcileIntervalMs: agent.reconcile_interval,
    onDrift: agent.on_drift,
    onStop: agent.on_stop,
    stateDir: agent.state_dir,
  };
}

type WindowEntry = NonNullable<ConfigFile['maintenance'][number]>;

function resolveWindow({ servers, schedule, duration, timezone, action }: WindowEntry): MaintenanceWindow {
  return { servers: present(servers, []).map(({ value }) => value), schedule, durationMs: duration, timezone, action };
}

function refuseDuplicateServices(services: readonly Located<Service>[], problems: Problems): void {
  const names = services.map(({ value, path }) => ({ key: value.name, path: [...path, 'name'] }));
  refuseDuplicates(names, problems, 'service name');
  const identities = services.map(({ value, path }) => ({
    key: serviceKey(value.identity),
    path: [...path, value.identity.kind === 'address' ? 'address' : 'fwmark'],
  }));
  refuseDuplicates(identities, problems, 'service');
}

function refuseUnmatchedMaintenance(file: ConfigFile, services: readonly Located<Service>[], problems: Problems): void {
  if (file.maintenance.length === 0) return;
  const known = new Set<string>();
  for (const server of services.flatMap(({ value }) => [...value.servers, ...value.fallbackServers])) {
    known.add(server.address).add(serverKey(server));
  }
  for (const window of present(file.maintenance, ['maintenance'])) {
    for (const { value, path } of present(window.value.servers, [...window.path, 'servers'])) {
      const { address, port } = value;
      const key = port === undefined ? address : serverKey({ address, port });
      if (!known.has(key)) problems.add(path, `no service has a server ${key}`);
    }
  }
}

/** False where an entry with a mistake has been left out: what seems to be missing may be there. */
function isWhole(file: ConfigFile, known: readonly (Service | undefined)[]): boolean {
  return file.services.every((service, index) => {
    if (service === undefined) return known[index] !== undefined;
    return ![...service.servers, ...service.fallback_servers].includes(undefined);
  });
}
