import type { Server, Service } from '../core/config.ts';
import {
  type Forwarding,
  type Persistence,
  type SchedulerFlag,
  type ServiceIdentity,
  serverKey,
  serviceFamily,
} from '../core/table.ts';
import { type Context, type Located, type Problems, present } from './context.ts';
import { refuseDuplicates } from './duplicates.ts';
import type { Path } from './issue.ts';
import { aim, type CheckPlan, defaultPlan, planChecks } from './resolve-checks.ts';
import { resolveIdentity } from './resolve-identity.ts';
import { type ServerEntry, type ServiceEntry, schedulerFlagNames } from './service-schema.ts';

/** The effective service; undefined where what it is cannot be told. */
export function resolveService(entry: ServiceEntry, path: Path, context: Context): Service | undefined {
  const { defaults, problems } = context;
  const identity = resolveIdentity(entry, path, context);
  if (identity === undefined) return undefined;
  const settings: Settings = {
    identity,
    forwarding: entry.forwarding ?? defaults.forwarding,
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
  refuseDuplicateServers([...servers, ...fallbackServers], problems);
  const scheduler = entry.scheduler ?? defaults.scheduler;
  return {
    name: entry.name,
    identity,
    scheduler: scheduler.name,
    isOnePacket: false,
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
  const own = entry.checks && planChecks(entry.checks, settings.timing, [...path, 'checks'], context);
  const endpoint = {
    address: entry.address.address,
    port: entry.address.port ?? (identity.kind === 'address' ? identity.port : 0),
  };
  const server: Server = {
    ...endpoint,
    forwarding: entry.forwarding ?? settings.forwarding,
    weight: entry.weight ?? settings.weight,
    upperThreshold: entry.upper_threshold ?? 0,
    lowerThreshold: entry.lower_threshold ?? 0,
    checks: (own ?? plans).map((plan) => aim(plan, endpoint, context.problems)),
  };
  for (const message of problemsOf(server, identity)) context.problems.add(path, message);
  return { value: server, path };
}

/** What the kernel, or sense, refuses in a server of this service. */
function problemsOf(server: Server, identity: ServiceIdentity): readonly string[] {
  const problems: string[] = [];
  const family = serviceFamily(identity);
  const isIpv6 = server.address.includes(':');
  if (isIpv6 !== (family === 'ipv6')) {
    problems.push(`${server.address} cannot serve an ${family === 'ipv6' ? 'IPv6' : 'IPv4'} service`);
  }
  if (identity.kind === 'address' && server.port !== identity.port)
    problems.push(...portProblems(server, identity.port));
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

function resolvePersistence(
  entry: ServiceEntry['persistence'],
  identity: ServiceIdentity,
  path: Path,
  problems: Problems,
): Persistence | undefined {
  if (entry === undefined) return undefined;
  const isIpv6 = serviceFamily(identity) === 'ipv6';
  const all = isIpv6 ? 128 : 32;
  const { prefixLength, isIpv4Mask } = entry.netmask ?? { prefixLength: all, isIpv4Mask: false };
  if (isIpv6 && isIpv4Mask) problems.add([...path, 'netmask'], 'an IPv6 service takes a prefix length from 1 to 128');
  // ip_vs_ctl.c: an IPv6 prefix length of 0 is EINVAL, an IPv4 mask of 0.0.0.0 is not.
  else if (prefixLength > all || prefixLength < (isIpv6 ? 1 : 0)) {
    const family = isIpv6 ? 'IPv6' : 'IPv4';
    problems.add(
      [...path, 'netmask'],
      `must be a prefix length from ${isIpv6 ? 1 : 0} to ${all} for ${family}; found ${prefixLength}`,
    );
  }
  return { timeoutSeconds: entry.timeout / 1000, prefixLength };
}
