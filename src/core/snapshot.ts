import type { Service } from './config.ts';
import type { CheckRef } from './event.ts';
import type { Decision, ServerState } from './fleet.ts';
import type { Health } from './health.ts';
import type { LastRun } from './last-run.ts';
import type { Connections, Traffic } from './table.ts';

/** What probes are made with. `libc`: sockets of our own. `node`: those of Node, and the program `ping`. */
export type EngineName = 'libc' | 'node';

/** The agent at one instant, for those who look: metrics at a scrape, `lvsd status`. Plain data, never written to. */
export interface Snapshot {
  readonly version: string;
  readonly isReady: boolean;
  readonly isIpvsUp: boolean;
  readonly isConfigCurrent: boolean;
  readonly engine: EngineName;
  /** Why it is not `libc`, in words; undefined: it is. */
  readonly engineFault?: string | undefined;
  /** Wall clock, ms since the epoch: when the running configuration was loaded. */
  readonly configLoadedAtMs: number;
  readonly services: readonly ServiceSnapshot[];
}

export interface ServiceSnapshot {
  readonly service: Service;
  readonly decision: Decision;
  /** As last read from the kernel; undefined while the kernel has no such service. */
  readonly traffic: Traffic | undefined;
  /** Servers, then fallback servers, in the order of the configuration. */
  readonly servers: readonly ServerSnapshot[];
}

export interface ServerSnapshot {
  /** `serverKey` */
  readonly key: string;
  readonly isFallback: boolean;
  readonly health: Health;
  readonly state: ServerState;
  /** Wall clock, ms since the epoch, of the last change of health; undefined: none yet. */
  readonly lastChangeAtMs: number | undefined;
  readonly weight: {
    readonly configured: number;
    readonly desired: number | undefined;
    readonly kernel: number | undefined;
  };
  readonly connections: Connections | undefined;
  readonly checks: readonly CheckSnapshot[];
}

export interface CheckSnapshot extends CheckRef {
  readonly health: Health;
  readonly last: LastRun | undefined;
}
