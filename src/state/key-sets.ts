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
