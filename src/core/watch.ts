/** What happened: to the connection that is held to a server, or to a run of its check. */
export type WatchEvent =
  /** The server took the connection. */
  | 'opened'
  /** It did not: nobody listens, or its host cannot be reached. */
  | 'refused'
  /** The fault was ours, or nobody's that is known. */
  | 'unopened'
  /** A connection that was open is so no more, in whatever way. */
  | 'closed'
  | 'passed'
  | 'failed';

/** What is to be done: ask for a connection, give up the one there is, run the check now. */
export type WatchAction = 'connect' | 'drop' | 'hasten';

/** Times are monotonic, in ms. */
export interface WatchState {
  readonly phase: 'none' | 'connecting' | 'open';
  /** When the connection was asked for, and once it is open, when it opened. */
  readonly sinceMs: number;
  /** No connection is asked for before. */
  readonly notBeforeMs: number;
  /** From one connection to the next at least. */
  readonly spacingMs: number;
  /** How long the server lets an idle connection live; undefined: it has not been seen to end one. */
  readonly idleMs: number | undefined;
  /** How long the connection had lived whose end is looked into by a run. */
  readonly suspectMs: number | undefined;
}

export interface WatchStep {
  readonly state: WatchState;
  readonly action?: WatchAction;
}

export const initialWatch: WatchState = {
  phase: 'none',
  sinceMs: 0,
  notBeforeMs: 0,
  spacingMs: 0,
  idleMs: undefined,
  suspectMs: undefined,
};

/** The longest spacing, for servers that close at once: watching them is of little use. */
const longestSpacingMs = 300_000;
/** A connection that has lived for this share of what the server allows ends because it was idle. */
const idleShare = 0.9;
/** How much one longer life adds to what the server is thought to allow. */
const learningRate = 1 / 8;

/**
 * One connection is held while the check passes. Its end is no verdict: servers close what is idle, and they restart. It
 * makes the check run at once, unless it came when this server is known to close; then a new connection tells more
 * cheaply whether anybody still listens. A server costs one connection for each `intervalMs` of its check at most, and
 * ever fewer where they live shorter than that.
 */
export function stepWatch(state: WatchState, event: WatchEvent, nowMs: number, intervalMs: number): WatchStep {
  switch (event) {
    case 'passed':
      return connectWhenDue(acquit(state), nowMs);
    case 'failed':
      return abandon(state);
    case 'opened':
      return { state: { ...state, phase: 'open', sinceMs: nowMs } };
    case 'refused':
      return { state: backOff(state, nowMs, intervalMs), action: 'hasten' };
    case 'unopened':
      return { state: backOff(state, nowMs, intervalMs) };
    case 'closed':
      return close(state, nowMs, intervalMs);
  }
}

function close(state: WatchState, nowMs: number, intervalMs: number): WatchStep {
  const livedMs = nowMs - state.sinceMs;
  const hasLived = livedMs >= intervalMs;
  const closed: WatchState = hasLived
    ? { ...state, phase: 'none', spacingMs: intervalMs, notBeforeMs: nowMs }
    : backOff(state, state.sinceMs, intervalMs);
  if (isIdleClose(state, livedMs)) return connectWhenDue(learn(closed, livedMs), nowMs);
  return { state: { ...closed, suspectMs: livedMs }, action: 'hasten' };
}

/** The run that followed the end of a connection has passed: the server does that to idle ones. */
function acquit(state: WatchState): WatchState {
  return state.suspectMs === undefined ? state : learn({ ...state, suspectMs: undefined }, state.suspectMs);
}

/** A shorter life counts at once, a longer one little: it may be the interval that a server looks around at. */
function learn(state: WatchState, livedMs: number): WatchState {
  const { idleMs = livedMs } = state;
  return { ...state, idleMs: livedMs < idleMs ? livedMs : idleMs + (livedMs - idleMs) * learningRate };
}

function isIdleClose({ idleMs }: WatchState, livedMs: number): boolean {
  return idleMs !== undefined && livedMs >= idleMs * idleShare;
}

/**
 * A connection that outlived a failure may be one to a host that has started anew and knows nothing of it. One that
 * ended with the server did not live short.
 */
function abandon(state: WatchState): WatchStep {
  const { spacingMs, notBeforeMs } = state.suspectMs === undefined ? state : initialWatch;
  const abandoned: WatchState = { ...state, phase: 'none', suspectMs: undefined, spacingMs, notBeforeMs };
  return state.phase === 'none' ? { state: abandoned } : { state: abandoned, action: 'drop' };
}

function connectWhenDue(state: WatchState, nowMs: number): WatchStep {
  if (state.phase !== 'none' || nowMs < state.notBeforeMs) return { state };
  return { state: { ...state, phase: 'connecting', sinceMs: nowMs }, action: 'connect' };
}

function backOff(state: WatchState, fromMs: number, intervalMs: number): WatchState {
  const doubledMs = 2 * Math.max(state.spacingMs, intervalMs);
  const spacingMs = Math.min(doubledMs, Math.max(longestSpacingMs, intervalMs));
  return { ...state, phase: 'none', spacingMs, notBeforeMs: fromMs + spacingMs };
}
