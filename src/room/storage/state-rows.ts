import type { StoredRow } from "../timing/room-part.ts";
import { APART_PREFIX, PRIVATE_PREFIX, QUARANTINE_PREFIX, STORAGE_PREFIX } from "./keys.ts";
import type { Snapshot } from "../../define/types.ts";
import { isHostileKey, isPlain, mergeInto, objectAt } from "../../protocol/values.ts";
import { NO_OBJECT } from "../../state/value-checks.ts";
import { decodeKey, encodeKey, prefixOf, ROOT_KEY, under, VOLATILE_PREFIX } from "../../state/rows.ts";
import type { Aside } from "../../state/unread-entries.ts";
import type { Storage } from "../../platform/ports.ts";

/** The stored data of a room's state. */
export interface StoredState {
  /** Values by field name, entries by key. Undefined if the room was never stored. */
  readonly snapshot: Snapshot | undefined;
  readonly volatileKeys: readonly string[];
  /** Volatile values of entries in storage, by the keys of their rows. */
  readonly volatile: ReadonlyMap<string, unknown>;
}

/** Rows that a room does not read when it wakes, since there may be more than fits into memory. */
const UNREAD = [APART_PREFIX, QUARANTINE_PREFIX, STORAGE_PREFIX];

/** Reads all rows that a room needs to run, without the entries of some collections, whose names are ASCII. */
export function* readRows(storage: Storage, without: Iterable<string>): Iterable<StoredRow> {
  let start = "";
  const ranges = [...UNREAD, ...Array.from(without, prefixOf)].map(under);
  for (const range of ranges.toSorted((a, b) => (a.start < b.start ? -1 : 1))) {
    yield* storage.list({ start, end: range.start });
    start = range.end;
  }
  yield* storage.list({ start });
}

/** Separates the rows of the state from those of the runtime. */
export function partition(rows: Iterable<StoredRow>): { readonly own: StoredRow[]; readonly fields: StoredRow[] } {
  const own: StoredRow[] = [];
  const fields: StoredRow[] = [];
  for (const row of rows) (row[0].startsWith(PRIVATE_PREFIX) ? own : fields).push(row);
  return { own, fields };
}

/**
 * Builds a snapshot from the rows of a state.
 * @param isAwake whether sockets are open. Then volatile values are included
 * @param waits whether the rows inside of a field are read later
 * @param aside receives values that should be objects but are not, by the key of the row
 */
export function assemble(
  rows: Iterable<StoredRow>,
  isAwake: boolean,
  waits: (field: string) => boolean,
  aside: Aside,
): StoredState {
  const snapshot: Snapshot = {};
  const volatileKeys: string[] = [];
  const volatile = new Map<string, unknown>();
  const unreadable = (key: string, value: unknown) => aside.take(key, value, new Error(NO_OBJECT));
  let isEmpty = true;
  for (const [key, value] of rows) {
    isEmpty = false;
    const isVolatile = key.startsWith(VOLATILE_PREFIX);
    if (isVolatile) volatileKeys.push(key);
    if (!isVolatile) place(snapshot, key, value, unreadable);
    else if (isAwake) {
      const own = key.slice(VOLATILE_PREFIX.length);
      if (waits(own.split(".", 1)[0] as string)) volatile.set(own, value);
      else place(snapshot, own, value, () => unreadable(key, value));
    }
  }
  return { snapshot: isEmpty ? undefined : snapshot, volatileKeys, volatile };
}

/** A room may have thousands of rows, and clients wait, so this makes no objects that are not part of the snapshot. */
function place(
  snapshot: Snapshot,
  key: string,
  value: unknown,
  unreadable: (key: string, value: unknown) => void,
): void {
  if (key === ROOT_KEY) {
    if (isPlain(value)) mergeInto(snapshot, value);
    else unreadable(key, value);
    return;
  }
  const names = decodeKey(key);
  if (names.some(isHostileKey)) return;
  const last = names.pop() as string;
  const parent = objectAt(snapshot, names, (node, name, depth) => {
    const current = node[name];
    if (isPlain(current)) return current;
    // The values inside of it are kept.
    if (current !== undefined) unreadable(encodeKey(names.slice(0, depth + 1)), current);
    return {};
  });
  const current = parent[last];
  if (!isPlain(current)) parent[last] = value;
  else if (isPlain(value)) mergeInto(current, value);
  else unreadable(key, value);
}
