/**
 * `next`, with the parts of it that are equal to those of `previous` replaced by them: what did not change is then the
 * same object. For plain data without cycles.
 */
export function share<T>(previous: unknown, next: T): T {
  if (isEqual(previous, next)) return previous as T;
  return rebuild(previous, next) as T;
}

function rebuild(previous: unknown, next: unknown): unknown {
  if (!isObject(previous) || !isObject(next) || Array.isArray(previous) !== Array.isArray(next)) return next;
  if (Array.isArray(next)) return Object.freeze(next.map((value, index) => share(previous[index], value)));
  const entries = Object.entries(next).map(([key, value]) => [key, share(previous[key], value)]);
  return Object.freeze(Object.fromEntries(entries));
}

function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]));
}

function isObject(value: unknown): value is Readonly<Record<PropertyKey, unknown>> {
  return typeof value === 'object' && value !== null;
}
