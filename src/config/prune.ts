import type { Mistake } from './explain.ts';
import type { Path } from './issue.ts';

/** The lists whose entries may be undefined: those that the schema makes with `listOf`. */
const lists = new Set([
  'services',
  'servers',
  'fallback_servers',
  'checks',
  'maintenance',
  'flags',
  'sync_daemons',
  'marks',
  'addresses',
  'protocols',
  'ports',
]);

/**
 * Takes each mistake out of the data, in place: an unknown key alone, anything else with the entry of a list, the named
 * check or the setting that it is in. Nothing is reported twice, and what stands in for it is a default or a hole.
 */
export function prune(data: unknown, mistakes: readonly Mistake[]): unknown {
  for (const { path, isAboutKey } of mistakes) {
    if (isAboutKey) remove(data, path);
    else blank(data, entryOf(path));
  }
  return data;
}

function entryOf(path: Path): Path {
  const index = path.findLastIndex((step, at) => typeof step === 'number' && lists.has(String(path[at - 1])));
  return path.slice(0, index >= 0 ? index + 1 : 2);
}

function remove(data: unknown, path: Path): void {
  const holder = holderOf(data, path);
  if (holder !== undefined) delete holder[String(path.at(-1))];
}

function blank(data: unknown, path: Path): void {
  const holder = holderOf(data, path);
  if (holder !== undefined) holder[String(path.at(-1))] = undefined;
}

function holderOf(data: unknown, path: Path): Record<string, unknown> | undefined {
  let holder = data;
  for (const step of path.slice(0, -1)) {
    if (typeof holder !== 'object' || holder === null) return undefined;
    holder = (holder as Record<string, unknown>)[step];
  }
  return typeof holder === 'object' && holder !== null ? (holder as Record<string, unknown>) : undefined;
}
