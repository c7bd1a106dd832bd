import type { Check, Server, Service } from '../core/config.ts';
import type { AgentEvent, CheckRef, ServerRef } from '../core/event.ts';
import { outcomeOf, type RunOutcome } from '../core/last-run.ts';
import type { Reason } from '../core/observation.ts';
import { serverKey } from '../core/table.ts';
import { labelText } from './exposition.ts';
import { Histogram } from './histogram.ts';
import { metricTable } from './metric-table.ts';

/** What was counted for a service or a server. */
export interface TransitionCounts {
  readonly to: { up: number; down: number };
}

/** What was counted for a check. */
export interface CheckCounts {
  readonly check: string;
  readonly type: string;
  readonly runs: Record<RunOutcome, number>;
  /** Most have none. */
  failures: Map<Reason, number> | undefined;
  /** One for all checks of the service that have the type. */
  readonly durations: Histogram;
}

interface ServerCounts extends TransitionCounts {
  readonly server: Server;
  readonly checks: readonly CheckCounts[];
}

interface ServiceCounts extends TransitionCounts {
  readonly service: Service;
  /** By `serverKey`. */
  readonly servers: ReadonlyMap<string, ServerCounts>;
  /** By type of check. */
  readonly durations: ReadonlyMap<string, Histogram>;
}

type RanEvent = Extract<AgentEvent, { readonly type: 'check_ran' }>;

/**
 * The counters of what is in the configuration, each from 0. Something that the configuration does not have has none: an
 * event that comes late for it cannot bring its series back.
 */
export interface SeriesCounts {
  observe(event: AgentEvent): void;
  /** Drops the counts of what left the configuration, and starts those of what came. */
  follow(services: readonly Service[] | undefined): void;
  service(name: string): TransitionCounts | undefined;
  server(ref: ServerRef): TransitionCounts | undefined;
  check(ref: CheckRef): CheckCounts | undefined;
  /** How long runs that learned something took, by service and type of check. */
  durations(): Iterable<Histogram>;
}

/** `current` tells the services of the configuration that runs. */
export function createSeriesCounts(current: () => readonly Service[] | undefined): SeriesCounts {
  let known: readonly Service[] | undefined;
  let services: ReadonlyMap<string, ServiceCounts> = new Map();
  /** Thousands are counted in a second: to look for one costs more than to count. */
  let checksByRef = new Map<CheckRef, CheckCounts>();

  const follow = (next: readonly Service[] | undefined) => {
    if (next === undefined || isSame(known, next)) return;
    known = next;
    services = new Map(next.map((service) => [service.name, carryOver(services.get(service.name), service)]));
    checksByRef = new Map();
  };
  const server = (ref: ServerRef) => services.get(ref.service)?.servers.get(ref.server);
  const counts = {
    service: (name: string) => services.get(name),
    server,
    check: (ref: CheckRef) => server(ref)?.checks.find(isOf(ref)),
    durations: () => [...services.values()].flatMap(({ durations }) => [...durations.values()]),
  };

  /** What is not counted may have come with a reload that nobody has told of yet. */
  const find = <Counts>(get: () => Counts | undefined): Counts | undefined => {
    const found = get();
    if (found !== undefined) return found;
    follow(current());
    return get();
  };
  const findCheck = (ref: CheckRef) => {
    const found = find(() => counts.check(ref));
    if (found !== undefined) checksByRef.set(ref, found);
    return found;
  };
  const following = {
    service: (name: string) => find(() => counts.service(name)),
    server: (ref: ServerRef) => find(() => counts.server(ref)),
    check: (ref: CheckRef) => checksByRef.get(ref) ?? findCheck(ref),
  };
  return { ...counts, follow, observe: (event) => count(event, following) };
}

function count(event: AgentEvent, counts: Pick<SeriesCounts, 'service' | 'server' | 'check'>): void {
  switch (event.type) {
    case 'server_changed':
      if (event.to !== 'unknown') increase(counts.server(event)?.to, event.to);
      return;
    case 'service_changed':
      increase(counts.service(event.service)?.to, event.to);
      return;
    case 'check_ran':
      for (const ref of event.checks) countRun(counts.check(ref), event);
      return;
  }
}

function countRun(counted: CheckCounts | undefined, { result, durationMs }: RanEvent): void {
  if (counted === undefined) return;
  counted.runs[outcomeOf(result)] += 1;
  // A run that failed through a fault of ours says nothing of how long servers take.
  if (result.kind === 'inconclusive') return;
  counted.durations.observe(durationMs);
  if (result.observation.pass) return;
  const { reason } = result.observation;
  counted.failures ??= new Map();
  counted.failures.set(reason, (counted.failures.get(reason) ?? 0) + 1);
}

function increase<Key extends string>(counts: Record<Key, number> | undefined, key: Key): void {
  if (counts) counts[key] += 1;
}

/** A configuration is frozen data: one that was reloaded has other objects. */
function isSame(known: readonly Service[] | undefined, services: readonly Service[]): boolean {
  return known?.length === services.length && services.every((service, index) => service === known[index]);
}

/** The counts of a service as it is now: what it had before goes on, what it no longer has is gone. */
function carryOver(before: ServiceCounts | undefined, service: Service): ServiceCounts {
  if (before?.service === service) return before;
  const durations = new Map<string, Histogram>();
  const durationsOf = (type: string) => {
    const found = durations.get(type) ?? before?.durations.get(type) ?? startDurations(service.name, type);
    durations.set(type, found);
    return found;
  };
  const carryServer = (key: string, server: Server): ServerCounts => {
    const known = before?.servers.get(key);
    // Asked for in any case: what no check has any more is not carried over.
    for (const { type } of server.checks) durationsOf(type);
    if (known?.server === server) return known;
    const carryCheck = ({ name, type }: Check) => {
      const ref = { check: name, type };
      return known?.checks.find(isOf(ref)) ?? startCheck(ref, durationsOf(type));
    };
    return { server, to: known?.to ?? startTransitions(), checks: server.checks.map(carryCheck) };
  };
  const servers = new Map<string, ServerCounts>();
  for (const server of [...service.servers, ...service.fallbackServers]) {
    const key = serverKey(server);
    servers.set(key, carryServer(key, server));
  }
  return {
    service,
    to: before?.to ?? startTransitions(),
    servers,
    durations,
  };
}

type Series = Pick<CheckRef, 'check' | 'type'>;

/** With the type: a check that changed its type is another series. */
function isOf({ check, type }: Series): (counts: CheckCounts) => boolean {
  return (counts) => counts.check === check && counts.type === type;
}

function startTransitions(): TransitionCounts['to'] {
  return { up: 0, down: 0 };
}

function startDurations(service: string, type: string): Histogram {
  return new Histogram(labelText(metricTable.lvsd_check_duration_seconds.labels, [service, type]));
}

function startCheck({ check, type }: Series, durations: Histogram): CheckCounts {
  return { check, type, runs: { pass: 0, fail: 0, inconclusive: 0 }, failures: undefined, durations };
}
