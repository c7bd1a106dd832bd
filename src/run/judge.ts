import type { AgentEvent } from '../core/event.ts';
import type { Decision, Rows } from '../core/fleet.ts';
import type { Health } from '../core/health.ts';
import type { Observation } from '../core/observation.ts';
import { sameServer } from '../core/table.ts';
import type { Clock } from './clock.ts';
import { decisionFor, type ServerEntry, type ServiceEntry } from './roster.ts';
import { sliceMs, type Turns } from './turns.ts';

/** Decides anew for services of which something has changed, and tells what the decisions change. */
export interface Judge {
  /** Puts a service before it; what has changed of a server is told with the decision that follows. */
  reconsider(service: ServiceEntry, change?: Change | AgentEvent): void;
  /** Decides at once what waits, and tells it in turns. */
  decideAll(): void;
  /** Decides at once what waits, and tells all of it. */
  decide(): void;
  /** Emits an event behind what is yet to be told of the service. */
  tell(service: ServiceEntry, event: AgentEvent): void;
  /** What was decided is in force, and not all of it told yet. */
  isTelling(): boolean;
}

export interface Change {
  readonly server: ServerEntry;
  readonly from: Health;
  readonly to: Health;
  /** Undefined: a reload took away the check that spoke otherwise. */
  readonly observation: Observation | undefined;
}

export interface JudgeOptions {
  readonly emit: (event: AgentEvent) => void;
  /** Called when a decision puts other rows in the table, or when what was awaited is there. */
  readonly onRows: () => void;
  readonly clock: Pick<Clock, 'at' | 'now'>;
  readonly turns: Pick<Turns, 'take'>;
}

/** A decision costs as much as the service has servers: a thousand that fail within this time are one. */
const gatherMs = 10;
/** Where decisions take long, there are so many times as long between them: probes go on while all servers are news. */
const restShare = 4;

export function createJudge({ emit, onRows, clock, turns }: JudgeOptions): Judge {
  const waiting = new Map<ServiceEntry, (Change | AgentEvent)[]>();
  /** Where it goes on: each time from the beginning, it would pass over all that were deleted there. */
  let order = waiting.entries();
  /** What was decided and is not told to its end, in order. */
  const untold: Iterator<void, void>[] = [];
  let restedAtMs = Number.NEGATIVE_INFINITY;
  let decidingMs = 0;
  let isScheduled = false;
  let cancel = () => {};

  const workFor = (limitMs: number) => {
    cancel();
    isScheduled = false;
    if (!hasWork()) return;
    const startMs = clock.now();
    do {
      if (!tellNext()) decideNext();
    } while (hasWork() && clock.now() - startMs < limitMs && (isTelling() || decidingMs < limitMs));
    if (!isTelling()) rest();
    if (hasWork()) schedule();
  };

  const hasWork = () => isTelling() || waiting.size > 0;

  const isTelling = () => untold.length > 0;

  const rest = () => {
    restedAtMs = clock.now() + Math.max(gatherMs, restShare * decidingMs);
    decidingMs = 0;
  };

  const decideNext = () => {
    let next = order.next();
    if (next.done) {
      order = waiting.entries();
      next = order.next();
    }
    if (next.done) return;
    const [service, changes] = next.value;
    waiting.delete(service);
    const startMs = clock.now();
    const before = service.decision;
    const after = decisionFor(service);
    service.decision = after;
    if (!sameRows(before.rows, after.rows) || before.isSettled !== after.isSettled) onRows();
    decidingMs += clock.now() - startMs;
    const news = tell(service, changes, before, after);
    if (isTelling() || !news.next().done) untold.push(news);
  };

  /** False: there is nothing. */
  const tellNext = (): boolean => {
    const [news] = untold;
    if (news?.next().done) untold.shift();
    return news !== undefined;
  };

  function* tell(
    service: ServiceEntry,
    changes: readonly (Change | AgentEvent)[],
    before: Decision,
    after: Decision,
  ): Generator<void, void> {
    for (const change of changes) {
      yield;
      emit('type' in change ? change : { type: 'server_changed', ...describe(service, change, before, after) });
    }
    announce(service, before, after);
  }

  const announce = (entry: ServiceEntry, before: Decision, { isUp, isSettled, ...after }: Decision) => {
    const service = entry.config.name;
    const to = isUp ? 'up' : 'down';
    if ((isUp || isSettled) && entry.announced !== to) {
      entry.announced = to;
      emit({ type: 'service_changed', service, to, ...counts(entry, after) });
    }
    if (before.isFallbackActive !== after.isFallbackActive) {
      emit({ type: 'fallback_changed', service, isActive: after.isFallbackActive });
    }
    if (before.isFailOpenActive !== after.isFailOpenActive) {
      emit({ type: 'fail_open_changed', service, isActive: after.isFailOpenActive });
    }
  };

  const schedule = () => {
    isScheduled = true;
    let isWanted = true;
    const workSome = () => {
      if (isWanted) workFor(sliceMs);
    };
    let cancelRest = () => {};
    if (isTelling() || restedAtMs <= clock.now()) turns.take(workSome);
    else cancelRest = clock.at(restedAtMs, () => turns.take(workSome));
    cancel = () => {
      isWanted = false;
      cancelRest();
    };
  };

  return {
    decideAll: () => {
      while (waiting.size > 0) decideNext();
      cancel();
      isScheduled = false;
      if (hasWork()) schedule();
    },
    decide: () => workFor(Number.POSITIVE_INFINITY),
    tell: (service, event) => {
      const changes = waiting.get(service);
      if (changes !== undefined) changes.push(event);
      else if (isTelling()) untold.push({ next: () => ({ done: true, value: emit(event) }) });
      else emit(event);
    },
    isTelling,
    reconsider: (service, change) => {
      const changes = waiting.get(service) ?? [];
      waiting.set(service, changes);
      if (change !== undefined) changes.push(change);
      if (!isScheduled) schedule();
    },
  };
}

function describe(service: ServiceEntry, { server, ...change }: Change, before: Decision, after: Decision) {
  return {
    service: service.config.name,
    server: server.key,
    address: server.config.address,
    port: server.config.port,
    isFallback: server.isFallback,
    ...change,
    weightFrom: before.rows.get(server.key)?.weight ?? 0,
    weightTo: after.rows.get(server.key)?.weight ?? 0,
    ...counts(service, after),
  };
}

function counts({ config }: ServiceEntry, { serversUp }: Pick<Decision, 'serversUp'>) {
  return { serversUp, serversTotal: config.servers.length };
}

function sameRows(a: Rows, b: Rows): boolean {
  if (a.size !== b.size) return false;
  for (const [key, row] of a) {
    const other = b.get(key);
    if (other === undefined || !sameServer(row, other)) return false;
  }
  return true;
}
