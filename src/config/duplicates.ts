import type { Problems } from './context.ts';
import type { Path } from './issue.ts';

/** Reports each key that an earlier place has already, naming that place. `what` is such as `server`. */
export function refuseDuplicates(
  places: readonly { readonly key: string; readonly path: Path }[],
  problems: Problems,
  what: string,
): void {
  const seen = new Map<string, Path>();
  for (const { key, path } of places) {
    const first = seen.get(key);
    if (first === undefined) seen.set(key, path);
    else problems.add(path, `${what} ${key} is given twice: first in ${problems.place(first)}`);
  }
}
