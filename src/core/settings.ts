import type { Drift } from './drift.ts';

/** What the kernel keeps beside the table, for all services of a network namespace; or what of it is wanted. */
export interface Settings {
  readonly timeouts: Timeouts;
  /** At most one a role. */
  readonly daemons: readonly SyncDaemon[];
}

/** After how long without a packet a connection is forgotten, in seconds. Where it is wanted, 0: as the kernel has it. */
export interface Timeouts {
  readonly tcpSeconds: number;
  /** After a FIN was seen. */
  readonly tcpFinSeconds: number;
  readonly udpSeconds: number;
}

export type SyncRole = 'master' | 'backup';

/** A thread of the kernel that tells other directors of connections, or hears of theirs. */
export interface SyncDaemon {
  readonly role: SyncRole;
  /** Name of the interface that it speaks through. */
  readonly interface: string;
  /** 0 to 255: a backup heeds the masters of its own number; 0: those of every number. */
  readonly syncId: number;
  /** Multicast address. */
  readonly group: string;
  readonly port: number;
  readonly ttl: number;
  /** Most bytes of one message. Where it is wanted, 0: what the kernel makes of the interface's MTU. */
  readonly maxLength: number;
}

/** One change of the settings. */
export type SettingOp =
  | { readonly kind: 'set_timeouts'; readonly timeouts: Timeouts }
  | { readonly kind: 'start_daemon'; readonly daemon: SyncDaemon }
  | { readonly kind: 'stop_daemon'; readonly role: SyncRole };

/** What became of one change: `error` is the kernel's errno name, or absent when it was made. */
export interface SettingResult {
  readonly op: SettingOp;
  readonly error?: string;
}

/** Nothing is wanted: all stays as the kernel has it. */
export const noSettings: Settings = { timeouts: { tcpSeconds: 0, tcpFinSeconds: 0, udpSeconds: 0 }, daemons: [] };

/**
 * The changes that take `actual` to what is wanted. A daemon that is not wanted is stopped if `owned` has its `daemonKey`,
 * and otherwise left alone. The kernel cannot edit a daemon: one that is to be otherwise is stopped and started.
 */
export function diffSettings(
  wanted: Settings,
  actual: Settings,
  owned: ReadonlySet<string> = new Set(),
): readonly SettingOp[] {
  const stale = actual.daemons.filter((daemon) => {
    const want = daemonOf(wanted, daemon.role);
    return want === undefined ? owned.has(daemonKey(daemon)) : !isDaemonAsWanted(want, daemon);
  });
  const absent = wanted.daemons.filter((want) => !hasDaemon(actual, want));
  return [
    ...(areTimeoutsAsWanted(wanted, actual) ? [] : [{ kind: 'set_timeouts', timeouts: wanted.timeouts } as const]),
    ...stale.map(({ role }) => ({ kind: 'stop_daemon', role }) as const),
    ...absent.map((daemon) => ({ kind: 'start_daemon', daemon }) as const),
  ];
}

/** What tells a daemon of ours from one that somebody else has started in its place. */
export function daemonKey({ role, interface: name, syncId }: SyncDaemon): string {
  return `${role} ${name} ${syncId}`;
}

/** The settings after the changes, all of which succeed. */
export function applySettingOps(settings: Settings, ops: readonly SettingOp[]): Settings {
  return ops.reduce(applySettingOp, settings);
}

/** What is wanted, less the settings that are otherwise in each of the states. */
export function settledPart(wanted: Settings, states: readonly Settings[]): Settings {
  const areTimeoutsSettled = states.some((state) => areTimeoutsAsWanted(wanted, state));
  return {
    timeouts: areTimeoutsSettled ? wanted.timeouts : noSettings.timeouts,
    daemons: wanted.daemons.filter((want) => states.some((state) => hasDaemon(state, want))),
  };
}

/** The settings that are not as we left them. */
export function findSettingDrift(left: Settings, actual: Settings): readonly Drift[] {
  const drifts = left.daemons.flatMap((daemon) => {
    if (hasDaemon(actual, daemon)) return [];
    const kind = daemonOf(actual, daemon.role) === undefined ? 'missing' : 'different';
    return [driftOf(kind, daemonName(daemon.role))];
  });
  return areTimeoutsAsWanted(left, actual) ? drifts : [driftOf('different', timeoutsName), ...drifts];
}

/** A text that names what a change is of, as `rowName` does for rows: `timeouts`, `sync daemon master`. */
export function settingName(op: SettingOp): string {
  if (op.kind === 'set_timeouts') return timeoutsName;
  return daemonName(op.kind === 'start_daemon' ? op.daemon.role : op.role);
}

const timeoutsName = 'timeouts';

function daemonName(role: SyncRole): string {
  return `sync daemon ${role}`;
}

function driftOf(kind: Drift['kind'], name: string): Drift {
  return { kind, service: name, server: undefined };
}

function applySettingOp({ timeouts, daemons }: Settings, op: SettingOp): Settings {
  switch (op.kind) {
    case 'set_timeouts':
      return { timeouts: withTimeouts(timeouts, op.timeouts), daemons };
    case 'start_daemon':
      return { timeouts, daemons: [...daemons, op.daemon] };
    case 'stop_daemon':
      return { timeouts, daemons: daemons.filter(({ role }) => role !== op.role) };
  }
}

function withTimeouts(timeouts: Timeouts, set: Timeouts): Timeouts {
  return {
    tcpSeconds: set.tcpSeconds || timeouts.tcpSeconds,
    tcpFinSeconds: set.tcpFinSeconds || timeouts.tcpFinSeconds,
    udpSeconds: set.udpSeconds || timeouts.udpSeconds,
  };
}

function areTimeoutsAsWanted({ timeouts: want }: Settings, { timeouts: have }: Settings): boolean {
  return (
    isAsWanted(want.tcpSeconds, have.tcpSeconds) &&
    isAsWanted(want.tcpFinSeconds, have.tcpFinSeconds) &&
    isAsWanted(want.udpSeconds, have.udpSeconds)
  );
}

function isDaemonAsWanted(want: SyncDaemon, have: SyncDaemon): boolean {
  return (
    want.interface === have.interface &&
    want.syncId === have.syncId &&
    want.group === have.group &&
    want.port === have.port &&
    want.ttl === have.ttl &&
    isAsWanted(want.maxLength, have.maxLength)
  );
}

function isAsWanted(want: number, have: number): boolean {
  return want === 0 || want === have;
}

function daemonOf({ daemons }: Settings, role: SyncRole): SyncDaemon | undefined {
  return daemons.find((daemon) => daemon.role === role);
}

function hasDaemon(settings: Settings, want: SyncDaemon): boolean {
  const have = daemonOf(settings, want.role);
  return have !== undefined && isDaemonAsWanted(want, have);
}
