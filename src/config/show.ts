import { formatEndpoint } from '../core/address.ts';
import type {
  AgentConfig,
  Check,
  Config,
  FailOpen,
  MaintenanceWindow,
  Marking,
  Server,
  Service,
} from '../core/config.ts';
import type { Settings } from '../core/settings.ts';
import { serverKey } from '../core/table.ts';
import { writeTiming } from './check-schema.ts';
import { formatDuration, formatShare } from './fields.ts';
import { writeYaml } from './yaml.ts';

/** The effective configuration as a file: every default written out. It loads to the same configuration. */
export function showConfig({ agent, director, settings, services, maintenance }: Config): string {
  return writeYaml({
    version: 1,
    agent: showAgent(agent),
    director: { interface: director.interface },
    ipvs: showSettings(settings),
    services: services.map(showService),
    maintenance: maintenance.map(showWindow),
  });
}

function showAgent(agent: AgentConfig) {
  const { metricsListen } = agent;
  return {
    metrics: {
      listen: metricsListen ? formatEndpoint({ address: metricsListen.host, port: metricsListen.port }) : 'off',
      detail: agent.metricsDetail,
    },
    admin: { listen: agent.adminSocket === undefined ? 'off' : `unix:${agent.adminSocket}` },
    log: { format: agent.logFormat, level: agent.logLevel, transition_file: agent.transitionFile ?? 'off' },
    reconcile_interval: formatDuration(agent.reconcileIntervalMs),
    on_drift: agent.onDrift,
    on_stop: agent.onStop,
    state_dir: agent.stateDir ?? 'off',
  };
}

function showSettings({ timeouts, daemons }: Settings) {
  return {
    timeouts: {
      tcp: showSeconds(timeouts.tcpSeconds),
      tcp_fin: showSeconds(timeouts.tcpFinSeconds),
      udp: showSeconds(timeouts.udpSeconds),
    },
    sync_daemons: daemons.map(({ syncId, maxLength, ...daemon }) => ({
      ...daemon,
      sync_id: syncId,
      max_length: maxLength || undefined,
    })),
  };
}

/** Undefined where it is left to the kernel. */
function showSeconds(seconds: number): string | undefined {
  return seconds === 0 ? undefined : formatDuration(seconds * 1000);
}

function showService(service: Service) {
  const { scheduler, schedulerFlags, isOnePacket, persistence } = service;
  const checks = service.servers[0]?.checks.map(showCheck) ?? [];
  return {
    name: service.name,
    ...showIdentity(service),
    interface: service.interface,
    marks: service.marks.length === 0 ? undefined : service.marks.map(showMarking),
    scheduler: schedulerFlags.length === 0 ? scheduler : { name: scheduler, flags: schedulerFlags },
    one_packet: isOnePacket,
    persistence: persistence && {
      timeout: formatDuration(persistence.timeoutSeconds * 1000),
      netmask: persistence.prefixLength,
      engine: persistence.engine,
    },
    on_failure: service.onFailure,
    fail_open: showFailOpen(service.failOpen),
    checks,
    servers: service.servers.map((server) => showServer(server, checks)),
    fallback_servers: service.fallbackServers.map((server) => showServer(server, [])),
  };
}

function showIdentity({ identity }: Service) {
  if (identity.kind === 'fwmark') return { fwmark: identity.mark, address_family: identity.family };
  return { address: formatEndpoint(identity), protocol: identity.protocol };
}

function showMarking({ addresses, protocols, ports }: Marking) {
  const shownPorts = ports.map(([first, last]) => (first === last ? first : `${first}-${last}`));
  return { addresses, protocols, ports: ports.length === 0 ? undefined : shownPorts };
}

function showFailOpen(failOpen: FailOpen) {
  return failOpen.when === 'below' ? { below: formatShare(failOpen.share) } : failOpen.when;
}

type ShownCheck = ReturnType<typeof showCheck>;

/** `inherited`: the checks that the server has when nothing is written. */
function showServer(server: Server, inherited: readonly ShownCheck[]) {
  const checks = server.checks.map(showCheck);
  return {
    address: server.port === 0 ? server.address : serverKey(server),
    weight: server.weight,
    forwarding: server.forwarding,
    tunnel: server.tunnel ?? (server.forwarding === 'tun' ? 'ipip' : undefined),
    upper_threshold: server.upperThreshold,
    lower_threshold: server.lowerThreshold,
    checks: JSON.stringify(checks) === JSON.stringify(inherited) ? undefined : checks,
  };
}

/** Without its target: where that is not the server's own port, it is among the options. */
function showCheck(check: Check) {
  const timing = {
    interval: check.intervalMs,
    timeout: check.timeoutMs,
    retry_interval: check.retryIntervalMs,
    fall: check.fall,
    rise: check.rise,
    jitter: check.jitter,
  };
  return { name: check.name, type: check.type, ...check.options, ...writeTiming(timing) };
}

function showWindow({ servers, schedule, durationMs, timezone, action }: MaintenanceWindow) {
  return {
    servers: servers.map(({ address, port }) => (port === undefined ? address : serverKey({ address, port }))),
    schedule,
    duration: formatDuration(durationMs),
    timezone,
    action,
  };
}
