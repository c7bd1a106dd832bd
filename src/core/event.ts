import type { Drift } from './drift.ts';
import type { Health } from './health.ts';
import type { Inconclusive, Observation } from './observation.ts';
import type { Override } from './override.ts';
import type { SettingOp, SettingResult } from './settings.ts';
import type { OpResult } from './table.ts';

/** Names one check of one server of one service: the labels of its metrics. */
export interface CheckRef extends ServerRef {
  readonly check: string;
  readonly type: string;
}

export interface ServerRef {
  readonly service: string;
  /** `serverKey` */
  readonly server: string;
}

/** What one run of a check came to. */
export type RunResult =
  | { readonly kind: 'observation'; readonly observation: Observation }
  | { readonly kind: 'inconclusive'; readonly inconclusive: Inconclusive };

export type ReconcileTrigger = 'startup' | 'transition' | 'timer' | 'reload' | 'override';

/** In the order in which they name a run that was asked for several times over. */
export const reconcileTriggers = [
  'startup',
  'reload',
  'override',
  'transition',
  'timer',
] as const satisfies readonly ReconcileTrigger[];

/**
 * Everything that happens in the agent. Where a `type` is also an `event.action` of the log it has the same name; logs,
 * metrics and history listen to this union, and nothing in the flow knows that they do.
 */
export type AgentEvent =
  | { readonly type: 'agent_started'; readonly version: string; readonly services: number; readonly servers: number }
  | { readonly type: 'agent_ready' }
  | { readonly type: 'agent_stopping'; readonly cause: string }
  | { readonly type: 'agent_stopped' }
  /** One run, of which every check in `checks` took note: identical checks of one target are run once. */
  | {
      readonly type: 'check_ran';
      readonly checks: readonly CheckRef[];
      readonly result: RunResult;
      readonly durationMs: number;
      /** Planned start to real start. */
      readonly lagMs: number;
    }
  | ({ readonly type: 'server_changed' } & ServerChange)
  | ({
      readonly type: 'override_changed';
      readonly from: Override | undefined;
      readonly to: Override | undefined;
    } & ServerRef)
  /** A draining server's connections have ended. */
  | ({ readonly type: 'server_drain_finished' } & ServerRef)
  | {
      readonly type: 'service_changed';
      readonly service: string;
      readonly to: 'up' | 'down';
      readonly serversUp: number;
      readonly serversTotal: number;
    }
  | { readonly type: 'fallback_changed'; readonly service: string; readonly isActive: boolean }
  | { readonly type: 'fail_open_changed'; readonly service: string; readonly isActive: boolean }
  | {
      readonly type: 'reconciled';
      readonly trigger: ReconcileTrigger;
      readonly isOk: boolean;
      readonly durationMs: number;
      readonly results: readonly OpResult[];
    }
  | { readonly type: 'settings_changed'; readonly results: readonly SettingResult[] }
  /** Dry run: an op that would have been applied. */
  | { readonly type: 'op_planned'; readonly op: OpResult['op'] }
  | { readonly type: 'setting_planned'; readonly op: SettingOp }
  | { readonly type: 'drift_found'; readonly drifts: readonly Drift[]; readonly isRepaired: boolean }
  | { readonly type: 'ipvs_unreachable'; readonly code: string; readonly message: string }
  | { readonly type: 'ipvs_recovered' }
  | { readonly type: 'config_reloaded'; readonly services: number; readonly servers: number }
  /** `issues`: one line a mistake, `file:line:column: path: message`. */
  | { readonly type: 'config_rejected'; readonly issues: readonly string[] }
  /** Something of ours that is not vital failed, such as writing the state file. */
  | { readonly type: 'agent_warning'; readonly message: string; readonly code: string };

/** A server's health changed; `unknown` to `up` or `down` is its first verdict. Fallback servers change too. */
export interface ServerChange extends ServerRef {
  readonly address: string;
  readonly port: number;
  readonly isFallback: boolean;
  readonly from: Health;
  readonly to: Health;
  /** The observation that decided; undefined: a reload took away the check that spoke otherwise. */
  readonly observation: Observation | undefined;
  readonly weightFrom: number;
  readonly weightTo: number;
  readonly serversUp: number;
  readonly serversTotal: number;
}
