import type { Plain } from "../protocol/values.ts";
import type { CollectionGate } from "./signals/tracking.ts";
import { checkKey } from "./value-checks.ts";
import type { CheckedField } from "./value-checks.ts";

type Entries = CheckedField & Pick<CollectionGate, "beforeSet">;

/** Replaces all entries of a collection. @param check throws if that is not possible. Then nothing has changed */
export function replaceEntries(
  entries: Entries,
  previous: Readonly<Plain>,
  next: Readonly<Plain>,
  check: () => void,
): void {
  for (const key of Object.keys(next)) checkKey(entries, [], key);
  check();
  try {
    swap(entries, previous, next);
  } catch (error) {
    // If one entry cannot be made, the value and all entries stay unchanged.
    swap(entries, next, previous);
    throw error;
  }
}

function swap(entries: Entries, from: Readonly<Plain>, to: Readonly<Plain>): void {
  for (const key of Object.keys(from)) if (to[key] !== from[key]) entries.beforeSet(key, undefined);
  for (const key of Object.keys(to)) if (to[key] !== from[key]) entries.beforeSet(key, to[key]);
}
