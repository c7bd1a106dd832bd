/** What of the kernel is ours, by the keys of its kind, remembered beyond this process. */
export interface Ownership {
  owned(): ReadonlySet<string>;
  /** Takes effect before it returns: called ahead of adding and after deleting. */
  replace(keys: ReadonlySet<string>): void;
}

export interface Ownerships {
  /** By `serviceKey`. */
  readonly services: Ownership;
  /** Synchronisation daemons, by `daemonKey`. */
  readonly daemons: Ownership;
}

/** Writes nothing where nothing changes. */
export function own(ownership: Ownership, keys: ReadonlySet<string>): void {
  const owned = ownership.owned();
  if (keys.size !== owned.size || [...keys].some((key) => !owned.has(key))) ownership.replace(keys);
}
