/**
 * `next`, with the parts of it that are equal to those of `previous` replaced by them: what did not change is then the
 * same object. For plain data without cycles. What is not the same is frozen; a frozen part in which nothing is replaced is returned
 * as it is.
 */
export function share<T>(previous: unknown, next: T): T {
  if (Object.is(previous, next)) return next;
  if (Array.isArray(previous) && Array.isArray(next)) return shareArray(previous, next) as T;
  if (isRecord(previous) && isRecord(next)) return shareRecord(previous, next) as T;
  return next;
}

function shareArray(previous: readonly unknown[], next: readonly unknown[]): readonly unknown[] {
  const shared = next.map((value, index) => share(previous[index], value));
  if (previous.length === next.length && isAll(shared, previous)) return previous;
  return Object.isFrozen(next) && isAll(shared, next) ? next : Object.freeze(shared);
}

type Plain = Readonly<Record<string, unknown>>;

function shareRecord(previous: Plain, next: Plain): Plain {
  const keys = Object.keys(next);
  const shared = keys.map((key) => share(previous[key], next[key]));
  const isShared = (key: string, index: number) =>
    Object.hasOwn(previous, key) && Object.is(shared[index], previous[key]);
  if (keys.length === Object.keys(previous).length && keys.every(isShared)) return previous;
  const isOwn = (key: string, index: number) => Object.is(shared[index], next[key]);
  if (Object.isFrozen(next) && keys.every(isOwn)) return next;
  return Object.freeze(Object.fromEntries(keys.map((key, index) => [key, shared[index]])));
}

function isAll(values: readonly unknown[], others: readonly unknown[]): boolean {
  return values.every((value, index) => Object.is(value, others[index]));
}

function isRecord(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
