import type { Check } from '../core/config.ts';
import type { RunResult } from '../core/event.ts';
import { initialWatch, stepWatch, type WatchEvent, type WatchState } from '../core/watch.ts';
import type { Clock } from './clock.ts';
import type { IdleConnection, IdleConnections } from './idle.ts';

/** Holds an idle connection to the target of each check that is to be watched. The rules are in `core/watch.ts`. */
export interface Watcher {
  /**
   * Replaces the set of checks, by the key of what is run; a check that stays keeps its connection. Returns how many
   * cannot be watched, as there are more than connections that may be held.
   */
  set(checks: ReadonlyMap<string, Check>): number;
  /** Takes note of a run. */
  note(key: string, result: RunResult): void;
  /** Gives up every connection. */
  stop(): void;
}

export interface WatcherOptions {
  readonly clock: Clock;
  readonly connections: IdleConnections;
  /** Has the check run at once. */
  readonly hasten: (key: string) => void;
}

interface Watch {
  readonly check: Check;
  state: WatchState;
  connection: IdleConnection | undefined;
}

/** Connections being made at most; whoever comes beyond waits for another run of its check. */
const connectingLimit = 500;

/** What connect(2) says of a server or of the way to it. All else may be our own fault, or a packet lost. */
const refusals = new Set(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH']);

export function createWatcher({ clock, connections, hasten }: WatcherOptions): Watcher {
  const watches = new Map<string, Watch>();
  let connecting = 0;

  const move = (watch: Watch, state: WatchState) => {
    connecting += Number(state.phase === 'connecting') - Number(watch.state.phase === 'connecting');
    watch.state = state;
  };

  const tell = (key: string, watch: Watch, event: WatchEvent) => {
    const { state, action } = stepWatch(watch.state, event, clock.now(), watch.check.intervalMs);
    move(watch, state);
    if (action === 'hasten') hasten(key);
    if (action === 'drop') drop(watch);
    if (action === 'connect') {
      if (connecting > connectingLimit) tell(key, watch, 'unopened');
      else connect(key, watch);
    }
  };

  const connect = (key: string, watch: Watch) => {
    watch.connection = connections.open(watch.check.target, sourceOf(watch.check), {
      opened: () => tell(key, watch, 'opened'),
      ended: (code) => {
        watch.connection = undefined;
        tell(key, watch, endOf(watch.state, code));
      },
    });
  };

  const forget = (key: string, watch: Watch) => {
    watches.delete(key);
    move(watch, initialWatch);
    drop(watch);
  };

  return {
    set: (checks) => {
      const wanted = new Map<string, Check>();
      for (const [key, check] of checks) if (check.isWatched) wanted.set(key, check);
      for (const [key, watch] of watches) if (!wanted.has(key)) forget(key, watch);
      for (const [key, check] of wanted) {
        if (watches.size >= connections.limit) break;
        if (!watches.has(key)) watches.set(key, { check, state: initialWatch, connection: undefined });
      }
      return wanted.size - watches.size;
    },
    note: (key, result) => {
      const watch = watches.get(key);
      if (watch === undefined || result.kind !== 'observation') return;
      tell(key, watch, result.observation.pass ? 'passed' : 'failed');
    },
    stop: () => {
      for (const [key, watch] of watches) forget(key, watch);
    },
  };
}

/** Of the paths that a check can have this is what an idle connection can have, too. */
function sourceOf({ options }: Check): string | undefined {
  return typeof options.source === 'string' ? options.source : undefined;
}

function endOf({ phase }: WatchState, code: string | undefined): WatchEvent {
  if (phase === 'open') return 'closed';
  return code !== undefined && refusals.has(code) ? 'refused' : 'unopened';
}

function drop(watch: Watch): void {
  watch.connection?.close();
  watch.connection = undefined;
}
