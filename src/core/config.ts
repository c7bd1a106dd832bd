import type { Thresholds } from './health.ts';
import type { Settings } from './settings.ts';
import type { Protocol, ServerRow, ServiceRow } from './table.ts';

/** The effective configuration: every default filled in, every reference resolved. Frozen plain data. */
export interface Config {
  readonly agent: AgentConfig;
  readonly director: DirectorConfig;
  /** What is wanted of the kernel beside the table. */
  readonly settings: Settings;
  readonly services: readonly Service[];
  readonly maintenance: readonly MaintenanceWindow[];
}

export type MetricsDetail = 'service' | 'server' | 'check';

export type LogLevel = 'debug' | 'info' | 'notice' | 'warn' | 'error' | 'fatal';

export interface AgentConfig {
  /** Where /metrics, /livez and /readyz are served over TCP; undefined: not at all. */
  readonly metricsListen: { readonly host: string; readonly port: number } | undefined;
  /** The finest things that have series of their own. */
  readonly metricsDetail: MetricsDetail;
  /** Path of the admin socket; undefined: none. */
  readonly adminSocket: string | undefined;
  readonly logFormat: 'auto' | 'json' | 'text';
  readonly logLevel: LogLevel;
  readonly transitionFile: string | undefined;
  readonly reconcileIntervalMs: number;
  readonly onDrift: 'repair' | 'report';
  readonly onStop: 'leave' | 'remove';
  readonly stateDir: string | undefined;
}

/** What `lvsd director` sets up beside the table. */
export interface DirectorConfig {
  /** Link that has the VIPs; undefined: it has to be named otherwise. */
  readonly interface: string | undefined;
}

export type OnFailure = 'remove' | 'quiesce';

/** When a service whose servers fail keeps them all the same. */
export type FailOpen =
  | { readonly when: 'all_down' }
  | { readonly when: 'never' }
  | { readonly when: 'below'; readonly share: number };

export interface Service extends ServiceRow {
  readonly name: string;
  /** Link that has its VIPs; undefined: that of the director. */
  readonly interface: string | undefined;
  /** Packets that get the firewall mark; none where that is done elsewhere, and for a service by address. */
  readonly marks: readonly Marking[];
  readonly onFailure: OnFailure;
  readonly failOpen: FailOpen;
  readonly servers: readonly Server[];
  readonly fallbackServers: readonly Server[];
}

/** Packets to one of the addresses by one of the protocols. */
export interface Marking {
  /** Canonical addresses, and prefixes such as `192.0.2.0/24`. */
  readonly addresses: readonly string[];
  readonly protocols: readonly Protocol[];
  /** First and last port; none: every port. */
  readonly ports: readonly PortRange[];
}

export type PortRange = readonly [first: number, last: number];

/** Its weight is the configured one. */
export interface Server extends ServerRow {
  /** None: the server counts as up. */
  readonly checks: readonly Check[];
}

export interface Check extends Thresholds {
  /** Unique within its server; a label of metrics. */
  readonly name: string;
  /** Name of the probe. */
  readonly type: string;
  readonly target: Target;
  /** What the probe's own schema made of its keys; plain data. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retryIntervalMs: number;
  /** 0 to 1: share of the interval by which a start may be shifted. */
  readonly jitter: number;
  /** An idle connection to the target is held, and its end makes the check run at once. */
  readonly isWatched: boolean;
}

export interface Target {
  readonly address: string;
  /** 0 where the probe needs none. */
  readonly port: number;
}

export interface MaintenanceWindow {
  /** Canonical addresses; with a port, that server alone; without, every server of that address. */
  readonly servers: readonly { readonly address: string; readonly port: number | undefined }[];
  /** node-cron syntax: when the window opens. */
  readonly schedule: string;
  readonly durationMs: number;
  /** IANA name; undefined: the host's. */
  readonly timezone: string | undefined;
  readonly action: 'drain' | 'maintenance';
}
