import { type Drift, rowName } from '../core/drift.ts';
import type { AgentEvent } from '../core/event.ts';

/** Tells of drift: of what is left so only once. */
export function createDriftTeller(
  emit: (event: AgentEvent) => void,
): (drifts: readonly Drift[], isRepaired: boolean) => void {
  let reported = new Set<string>();
  return (drifts, isRepaired) => {
    const news = drifts.filter((drift) => !reported.has(driftName(drift)));
    reported = new Set(isRepaired ? [] : drifts.map(driftName));
    if (news.length > 0) emit({ type: 'drift_found', drifts: news, isRepaired });
  };
}

/** Tells of what a dry run would do: of the same as the time before, nothing. */
export function createPlanTeller<T>(nameOf: (op: T) => string, tell: (op: T) => void): (ops: readonly T[]) => void {
  let planned = new Set<string>();
  return (ops) => {
    for (const op of ops) if (!planned.has(nameOf(op))) tell(op);
    planned = new Set(ops.map(nameOf));
  };
}

function driftName(drift: Drift): string {
  return `${drift.kind} ${rowName(drift)}`;
}
