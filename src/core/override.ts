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
export function overrideFor(
  server: { readonly address: string; readonly port: number },
  active: readonly ActiveOverride[],
): Override | undefined {
  if (active.length === 0) return undefined;
  const actions = active.filter(({ targets }) => targets.some((target) => covers(target, server))).map((o) => o.action);
  return actions.includes('maintenance') ? 'maintenance' : actions[0];
}

function covers(target: OverrideTarget, server: { readonly address: string; readonly port: number }): boolean {
  return target.address === server.address && (target.port === undefined || target.port === server.port);
}
