/** What an operator asked for a server: weight 0, or out of the table. It is never overruled by health. */
export type Override = 'drain' | 'maintenance';

/** A server, or every server of an address, that an override is meant for. */
export interface OverrideTarget {
  readonly address: string;
  readonly port: number | undefined;
}

export interface ActiveOverride {
  readonly targets: readonly OverrideTarget[];
  readonly action: Override;
}

/** The override in force for a server: maintenance, the stronger, where several apply. */
export type OverrideFor = (server: { readonly address: string; readonly port: number }) => Override | undefined;

/** Thousands of servers are looked up among thousands of targets. */
export function createOverrideFor(active: readonly ActiveOverride[]): OverrideFor {
  const byTarget = new Map<string, Override>();
  for (const { targets, action } of active) {
    for (const target of targets) {
      const key = keyOf(target);
      byTarget.set(key, action === 'maintenance' ? action : (byTarget.get(key) ?? action));
    }
  }
  if (byTarget.size === 0) return () => undefined;
  return ({ address, port }) =>
    stronger(byTarget.get(keyOf({ address, port: undefined })), byTarget.get(keyOf({ address, port })));
}

function keyOf({ address, port }: OverrideTarget): string {
  return port === undefined ? address : `${address} ${port}`;
}

function stronger(a: Override | undefined, b: Override | undefined): Override | undefined {
  return a === 'maintenance' ? a : (b ?? a);
}
