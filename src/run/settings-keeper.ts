import type { Drift } from '../core/drift.ts';
import type { AgentEvent } from '../core/event.ts';
import {
  applySettingOps,
  daemonKey,
  diffSettings,
  findSettingDrift,
  noSettings,
  type SettingOp,
  type SettingResult,
  type Settings,
  settingName,
  settledPart,
} from '../core/settings.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { formatSettingOp } from '../kernel/text/setting-rules.ts';
import { createBackoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import { type Ownership, own } from './ownership.ts';
import { createDriftTeller, createPlanTeller } from './teller.ts';

export interface SettingsKeeper {
  /** Resolves with false where something is not as it is wanted. Rejects with `KernelUnavailable`. */
  keep(): Promise<boolean>;
  /** When something that was refused is due again; Infinity: nothing is. */
  nextDueMs(): number;
}

export interface SettingsKeeperOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly emit: (event: AgentEvent) => void;
  readonly wanted: () => Settings;
  /** `daemonKey` of the daemons that are ours though the configuration may no longer have them. */
  readonly ownership: Ownership;
  readonly isRepairing: () => boolean;
  readonly isDryRun: boolean;
}

/** Keeps the kernel's timeouts and synchronisation daemons as they are wanted: read, diff, apply what differs. */
export function createSettingsKeeper(options: SettingsKeeperOptions): SettingsKeeper {
  const { kernel, emit, ownership, isRepairing, isDryRun } = options;
  const backoff = createBackoff(options.clock);
  const tellDrift = createDriftTeller(emit);
  const tellPlan = createPlanTeller(formatSettingOp, (op: SettingOp) => emit({ type: 'setting_planned', op }));
  /** What is wanted, as far as we left it so; undefined: we do not know what we left. */
  let left: Settings | undefined;

  const pass = async (): Promise<boolean> => {
    const wanted = options.wanted();
    if (isNothing(wanted) && ownership.owned().size === 0) {
      left = undefined;
      return true;
    }
    const actual = await kernel.readSettings();
    const drifts = left === undefined ? [] : findSettingDrift(left, actual);
    const owned = new Set([...ownership.owned(), ...wanted.daemons.map(daemonKey)]);
    const ops = diffSettings(wanted, actual, owned).filter(isToBeDone(drifts, wanted));
    if (isDryRun) {
      tellPlan(ops);
      return true;
    }
    own(ownership, owned);
    const done = await apply(backoff.due(ops, formatSettingOp));
    tellDrift(drifts, isRepairing());
    noteLeft(wanted, applySettingOps(actual, done), done);
    return done.length === ops.length;
  };

  /** Resolves with those that were not refused. */
  const apply = async (ops: readonly SettingOp[]): Promise<readonly SettingOp[]> => {
    if (ops.length === 0) return [];
    const results = await kernel.applySettings(ops);
    backoff.note(results, ({ op }) => formatSettingOp(op));
    emit({ type: 'settings_changed', results });
    return applied(results);
  };

  const noteLeft = (wanted: Settings, actual: Settings, done: readonly SettingOp[]) => {
    const keys = new Set([...wanted.daemons, ...actual.daemons].map(daemonKey));
    own(ownership, new Set([...ownership.owned()].filter((key) => keys.has(key))));
    // What is only reported is still what to compare with.
    const before = left === undefined || isRepairing() ? noSettings : applySettingOps(left, done);
    left = settledPart(wanted, [actual, before]);
  };

  /** As with the table. */
  const forget = (error: unknown): never => {
    if (isRepairing()) left = undefined;
    throw error;
  };

  /** False for ops that would repair what is only to be reported. */
  const isToBeDone = (drifts: readonly Drift[], wanted: Settings): ((op: SettingOp) => boolean) => {
    if (left === undefined || isRepairing()) return () => true;
    const drifted = new Set(drifts.map(({ service }) => service));
    const changed = new Set(diffSettings(wanted, left).map(settingName));
    return (op) => !drifted.has(settingName(op)) || changed.has(settingName(op));
  };

  return { keep: () => pass().catch(forget), nextDueMs: backoff.nextDueMs };
}

function applied(results: readonly SettingResult[]): readonly SettingOp[] {
  return results.flatMap(({ op, error }) => (error === undefined ? [op] : []));
}

function isNothing(wanted: Settings): boolean {
  return diffSettings(wanted, noSettings).length === 0;
}
