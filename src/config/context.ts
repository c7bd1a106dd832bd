import type { Path } from './issue.ts';
import type { ConfigFile } from './schema.ts';

/** What everything that is resolved needs to know of the rest of the file. */
export interface Context {
  readonly defaults: ConfigFile['defaults'];
  readonly checks: ConfigFile['checks'];
  readonly problems: Problems;
}

/** Where mistakes are reported. */
export interface Problems {
  add(path: Path, message: string): void;
  /** How a message names another place of the file: its path, line and column. */
  place(path: Path): string;
}

export interface Located<T> {
  readonly value: T;
  readonly path: Path;
}

/** The entries of a list that have no mistake, each under its own number. */
export function present<T>(list: readonly (T | undefined)[], path: Path): readonly Located<T>[] {
  return list.flatMap((value, index) => (value === undefined ? [] : [{ value, path: [...path, index] }]));
}
