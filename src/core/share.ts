/**
 * `next`, with the parts of it that are equal to those of `previous` replaced by them: what did not change is then the
 * same object. For plain data without cycles. What is not the same is frozen.
 */
export function share<T>(previous: unknown, next: T): T {
  if (Object.is(previous, next)) return next;
  if (Array.isArray(previous) && Array.isArray(next)) return shareArray(previous, next) as T;
  if (isRecord(previous) && isRecord(next)) return shareRecord(previous, next) as T;
  return next;
}

function shareArray(previous: readonly unknown[], next: readonly unknown[]): readonly unknown[] {
  const shared = next.map((value, index) => share(previous[index], value));
  const isSame = previous.length === next.length && shared.every((value, index) => Object.is(value, previous[index]));
  return isSame ? previous : Object.freeze(shared);
}

type Plain = Readonly<Record<string, unknown>>;

function shareRecord(previous: Plain, next: Plain): Plain {
  const keys = Object.keys(next);
  const shared = keys.map((key) => share(previous[key], next[key]));
  const isShared = (key: string, index: number) =>
    Object.hasOwn(previous, key) && Object.is(shared[index], previous[key]);
  if (keys.length === Object.keys(previous).length && keys.every(isShared)) return previous;
  return Object.freeze(Object.fromEntries(keys.map((key, index) => [key, shared[index]])));
}

function isRecord(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
