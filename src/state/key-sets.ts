import { EVERYTHING } from "./key-rules.ts";
import type { Difference, Key, KeySet, ViewerKeys } from "./key-rules.ts";

export function shares(viewer: ViewerKeys, entry: readonly Key[]): boolean {
  if (viewer === EVERYTHING) return true;
  for (let index = 0; index < entry.length; index++) if (viewer.has(entry[index] as Key)) return true;
  return false;
}

export function isSame(one: readonly Key[], other: readonly Key[]): boolean {
  return one === other || (one.length === other.length && one.every((key, index) => key === other[index]));
}

export function isSameView(one: ViewerKeys, other: ViewerKeys): boolean {
  if (one === other) return true;
  if (one === EVERYTHING || other === EVERYTHING || one.size !== other.size) return false;
  // Of these there is one for each view.
  if (one.since && other.since) return false;
  for (const key of one) if (!other.has(key)) return false;
  return true;
}

export function addTo<K, T>(map: Map<K, Set<T>>, key: K, item: T): void {
  const items = map.get(key);
  if (items) items.add(item);
  else map.set(key, new Set([item]));
}

export function removeFrom<K, T>(map: Map<K, Set<T>>, key: K, item: T): void {
  const items = map.get(key);
  items?.delete(item);
  if (items?.size === 0) map.delete(key);
}

/** What changed between two sets of keys. */
export function difference(before: KeySet, keys: KeySet): Difference {
  return keys.since?.(before) ?? compare(before, keys);
}

export function compare(before: KeySet, keys: KeySet): Difference {
  return {
    added: [...keys].filter((key) => !before.has(key)),
    removed: [...before].filter((key) => !keys.has(key)),
  };
}
