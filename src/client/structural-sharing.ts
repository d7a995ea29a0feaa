import { isContainer } from "../protocol/values.ts";

/**
 * A new plain value, in which every part that equals its counterpart in the old one is that counterpart: so
 * whoever compares by identity sees only what really changed.
 */
export function shareStructure<T>(previous: unknown, next: T): T {
  if (Object.is(previous, next)) return next;
  if (!isContainer(previous) || !isContainer(next) || Array.isArray(previous) !== Array.isArray(next)) return next;
  const keys = Object.keys(next);
  const shared = Array.isArray(next) ? [...(next as unknown[])] : { ...next };
  let isSame = keys.length === Object.keys(previous).length;
  for (const key of keys) {
    const before: unknown = Object.hasOwn(previous, key) ? previous[key as never] : undefined;
    const after = shareStructure(before, next[key as never] as unknown);
    (shared as Record<string, unknown>)[key] = after;
    isSame &&= Object.hasOwn(previous, key) && Object.is(before, after);
  }
  return (isSame ? previous : shared) as T;
}
