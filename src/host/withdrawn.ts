import type { Setting } from './setting.ts';

/** A sentence where an `up` has taken VIPs of an earlier one away, which may not have been meant. */
export function sayWithdrawn(undone: readonly Setting[], plan: readonly Setting[]): readonly string[] {
  const kept = new Set(plan.flatMap(vipOf));
  const gone = undone.flatMap(vipOf).filter((vip) => !kept.has(vip));
  if (gone.length === 0) return [];
  const vips = [...new Set(gone)].join(', ');
  return [`This host serves no longer ${vips}, which an earlier up had set: each up has to name all VIPs`];
}

function vipOf(setting: Setting): readonly string[] {
  if (setting.kind === 'address') return [setting.address];
  return setting.kind === 'route' ? [setting.prefix] : [];
}
