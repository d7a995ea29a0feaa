import { isContainer } from "../protocol/values.ts";

/**
 * Returns the new value with each part that equals its counterpart in the old value replaced by that counterpart, so
 * that comparisons by identity find only real changes.
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
