/** What the kernel keeps beside the table, for all services of a network namespace. */
export interface Settings {
  readonly timeouts: Timeouts;
  /** At most one a role. */
  readonly daemons: readonly SyncDaemon[];
}

/** After how long without a packet a connection is forgotten, in seconds. */
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
  /** Most bytes of one message. */
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
