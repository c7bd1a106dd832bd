import type { Server, Service } from '../core/config.ts';
import {
  type Forwarding,
  type SchedulerFlag,
  type ServiceIdentity,
  serverKey,
  serviceFamily,
  type Tunnel,
} from '../core/table.ts';
import { type Context, type Located, type Problems, present } from './context.ts';
import { refuseDuplicates } from './duplicates.ts';
import type { Path } from './issue.ts';
import { aim, type CheckPlan, defaultPlan, planChecks } from './resolve-checks.ts';
import { resolveIdentity } from './resolve-identity.ts';
import { resolveMarks } from './resolve-marks.ts';
import { resolvePersistence } from './resolve-persistence.ts';
import { resolveTunnel } from './resolve-tunnel.ts';
import { schedulerFlagNames } from './row-schema.ts';
import type { ServerEntry, ServiceEntry } from './service-schema.ts';

/** The effective service; undefined where what it is cannot be told. */
export function resolveService(entry: ServiceEntry, path: Path, context: Context): Service | undefined {
  const { defaults, problems } = context;
  const identity = resolveIdentity(entry, path, context);
  if (identity === undefined) return undefined;
  const settings: Settings = {
    identity,
    forwarding: entry.forwarding ?? defaults.forwarding,
    tunnel: entry.tunnel && resolveTunnel(entry.tunnel, [...path, 'tunnel'], problems),
    weight: entry.weight ?? defaults.weight,
    timing: entry.check ?? {},
  };
  const plans =
    entry.checks === undefined
      ? defaultPlan(settings.timing, path, context)
      : planChecks(entry.checks, settings.timing, [...path, 'checks'], context);
  const servers = present(entry.servers, [...path, 'servers']).map((server) =>
    resolveServer(server, settings, plans, context),
  );
  const fallbackServers = present(entry.fallback_servers, [...path, 'fallback_servers']).map((server) =>
    resolveServer(server, settings, [], context),
  );
  if (entry.tunnel !== undefined && ![...servers, ...fallbackServers].some(({ value }) => value.forwarding === 'tun')) {
    problems.add([...path, 'tunnel'], 'is of no use: no server of the service has forwarding tun');
  }
  refuseDuplicateServers([...servers, ...fallbackServers], problems);
  const scheduler = entry.scheduler ?? defaults.scheduler;
  return {
    name: entry.name,
    identity,
    interface: entry.interface,
    marks: resolveMarks(entry.marks, identity, [...path, 'marks'], problems),
    scheduler: scheduler.name,
    isOnePacket: entry.one_packet === true && resolveOnePacket(identity, [...path, 'one_packet'], problems),
    schedulerFlags: resolveFlags(scheduler, entry.scheduler === undefined ? ['defaults'] : path, problems),
    persistence: resolvePersistence(entry.persistence, identity, [...path, 'persistence'], problems),
    onFailure: entry.on_failure ?? defaults.on_failure,
    failOpen: entry.fail_open ?? defaults.fail_open,
    servers: servers.map(({ value }) => value),
    fallbackServers: fallbackServers.map(({ value }) => value),
  };
}

interface Settings {
  readonly identity: ServiceIdentity;
  readonly forwarding: Forwarding;
  readonly tunnel: Tunnel | undefined;
  readonly weight: number;
  readonly timing: NonNullable<ServiceEntry['check']>;
}

function resolveServer(
  { value: entry, path }: Located<ServerEntry>,
  settings: Settings,
  plans: readonly CheckPlan[],
  context: Context,
): Located<Server> {
  const { identity } = settings;
  const forwarding = entry.forwarding ?? settings.forwarding;
  const own = entry.checks && planChecks(entry.checks, settings.timing, [...path, 'checks'], context);
  const endpoint = {
    address: entry.address.address,
    port: entry.address.port ?? (identity.kind === 'address' ? identity.port : 0),
  };
  const server: Server = {
    address: endpoint.address,
    port: endpoint.port,
    forwarding,
    tunnel: resolveTunnelOf(entry, forwarding, settings, path, context.problems),
    weight: entry.weight ?? settings.weight,
    upperThreshold: entry.upper_threshold ?? 0,
    lowerThreshold: entry.lower_threshold ?? 0,
    checks: (own ?? plans).map((plan) => aim(plan, endpoint, context.problems)),
  };
  for (const message of problemsOf(server, identity)) context.problems.add(path, message);
  return { value: server, path };
}

function resolveTunnelOf(
  { tunnel }: ServerEntry,
  forwarding: Forwarding,
  settings: Settings,
  path: Path,
  problems: Problems,
): Tunnel | undefined {
  if (tunnel === undefined) return forwarding === 'tun' ? settings.tunnel : undefined;
  if (forwarding !== 'tun')
    problems.add([...path, 'tunnel'], `belongs to forwarding tun; found forwarding ${forwarding}`);
  return resolveTunnel(tunnel, [...path, 'tunnel'], problems);
}

/** What the kernel, or sense, refuses in a server of this service. */
function problemsOf(server: Server, identity: ServiceIdentity): readonly string[] {
  const problems: string[] = [];
  const family = serviceFamily(identity);
  const isIpv6 = server.address.includes(':');
  if (isIpv6 !== (family === 'ipv6') && server.forwarding !== 'tun') {
    const what = `an ${family === 'ipv6' ? 'IPv6' : 'IPv4'} service`;
    problems.push(
      `${server.address} cannot serve ${what} by ${server.forwarding}: one family goes in the other by tun alone`,
    );
  }
  if (identity.kind === 'address' && server.port !== identity.port)
    problems.push(...portProblems(server, identity.port));
  if (identity.kind === 'fwmark' && server.port !== 0 && server.forwarding !== 'nat') {
    const advice = `leave it out, and name the port of a check with the check, such as { type: tcp, port: ${server.port} }`;
    problems.push(`port ${server.port} has no effect: ${server.forwarding} does not translate ports; ${advice}`);
  }
  if (server.lowerThreshold > server.upperThreshold) {
    problems.push(`lower_threshold ${server.lowerThreshold} is above upper_threshold ${server.upperThreshold}`);
  }
  return problems;
}

function portProblems({ port, forwarding }: Server, servicePort: number): readonly string[] {
  if (port === 0) return [`port 0 is no port of a server: leave it out for port ${servicePort}, that of the service`];
  if (forwarding === 'nat') return [];
  return [`port ${port} differs from port ${servicePort} of the service: ${forwarding} does not translate ports`];
}

function refuseDuplicateServers(servers: readonly Located<Server>[], problems: Problems): void {
  const places = servers.map(({ value, path }) => ({ key: serverKey(value), path }));
  refuseDuplicates(places, problems, 'server');
}

/** ip_vs_schedule() heeds the flag for UDP alone; packets of a mark may be of any protocol. */
function resolveOnePacket(identity: ServiceIdentity, path: Path, problems: Problems): boolean {
  if (identity.kind === 'address' && identity.protocol !== 'udp') {
    problems.add(path, `applies to UDP alone: the kernel ignores it for ${identity.protocol}`);
  }
  return true;
}

type SchedulerEntry = NonNullable<ServiceEntry['scheduler']>;

function resolveFlags({ name, flags }: SchedulerEntry, path: Path, problems: Problems): readonly SchedulerFlag[] {
  const bits = present(flags, [...path, 'scheduler', 'flags']).map((entry) => {
    const known: { flag: SchedulerFlag; scheduler?: string } = schedulerFlagNames[entry.value];
    if (known.scheduler !== undefined && known.scheduler !== name) {
      problems.add(entry.path, `${entry.value} is a flag of the scheduler ${known.scheduler}, not of ${name}`);
    }
    return known.flag;
  });
  return [...new Set(bits)].sort();
}
