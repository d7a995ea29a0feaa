import type { StoredRow } from "../timing/room-part.ts";
import { APART_PREFIX, PRIVATE_PREFIX, QUARANTINE_PREFIX, STORAGE_PREFIX } from "./keys.ts";
import type { Snapshot } from "../../define/types.ts";
import { isHostileKey, isPlain, mergeInto, objectAt } from "../../protocol/values.ts";
import type { StoredEntries, StoredEntry } from "../../state/unread-entries.ts";
import { isEntryKey, NO_ENTRY_KEY, NO_OBJECT } from "../../state/value-checks.ts";
import { decodeKey, encodeKey, encodeName, ROOT_KEY, VOLATILE_PREFIX } from "../../state/rows.ts";
import type { Storage } from "../../platform/ports.ts";

/** The stored data of a room's state. */
export interface StoredState {
  /** Values by field name, entries by key. Undefined if the room was never stored. */
  readonly snapshot: Snapshot | undefined;
  readonly volatileKeys: readonly string[];
  /** Volatile values of entries in storage, by the keys of their rows. */
  readonly volatile: ReadonlyMap<string, unknown>;
}

/** Receives values that should be objects but are not. */
interface Aside {
  take(key: string, value: unknown, error: unknown): void;
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

/** The range of keys with a prefix, which ends with an ASCII character. */
export function under(prefix: string): { readonly start: string; readonly end: string } {
  return { start: prefix, end: prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1) };
}

/** The prefix of the keys of a collection's entries. */
function prefixOf(name: string): string {
  return `${name}.`;
}

/**
 * The stored entries of a collection of the state itself.
 * @param volatile volatile values by the keys of their rows, if they are restored
 */
export function storedEntries(
  storage: Storage,
  name: string,
  volatile: ReadonlyMap<string, unknown>,
  aside: Aside,
): StoredEntries & { isEmpty(): boolean } {
  const { start, end } = under(prefixOf(name));
  const putAside = (key: string, value: unknown, why: string) => aside.take(key, value, new Error(why));
  /** @param stored undefined if only volatile values are stored */
  const withVolatile = (row: string, stored: Snapshot | undefined): Snapshot | undefined => {
    const own = volatile.size > 0 ? volatile.get(row) : undefined;
    if (!isPlain(own)) return stored;
    const entry: Snapshot = {};
    for (const part of [stored, own]) if (part) mergeInto(entry, part);
    return entry;
  };
  /** @returns undefined for a value inside of an entry, which is an old format */
  const keyOf = (row: string): string | undefined => {
    const [key, ...inside] = decodeKey(row.slice(start.length));
    return inside.length > 0 ? undefined : key;
  };
  const entryOf = (row: string, stored: Snapshot | undefined): StoredEntry | undefined => {
    const key = keyOf(row);
    const entry = key !== undefined && isEntryKey(key) ? withVolatile(row, stored) : undefined;
    return entry && [key as string, entry];
  };
  const problemOf = (row: string, value: unknown): string | undefined => {
    if (!isPlain(value)) return NO_OBJECT;
    return isEntryKey(keyOf(row) ?? "") ? undefined : NO_ENTRY_KEY;
  };
  return {
    isEmpty: () => storage.list({ start, end })[Symbol.iterator]().next().done === true,
    get(key) {
      const row = start + encodeName(key);
      const value = storage.get(row);
      const stored = isPlain(value) ? value : undefined;
      if (!stored && value !== undefined) putAside(row, value, NO_OBJECT);
      return withVolatile(row, stored);
    },
    *all() {
      const alone = new Set([...volatile.keys()].filter((row) => row.startsWith(start)));
      const unfit: [row: string, value: unknown, why: string][] = [];
      for (const [row, value] of storage.list({ start, end })) {
        alone.delete(row);
        const problem = problemOf(row, value);
        if (problem) unfit.push([row, value, problem]);
        const entry = entryOf(row, isPlain(value) ? value : undefined);
        if (entry) yield entry;
      }
      // Afterwards, since it lists rows too, and the runtime ends one list when the next begins.
      for (const found of unfit) putAside(...found);
      for (const row of alone) {
        const entry = entryOf(row, undefined);
        if (entry) yield entry;
      }
    },
  };
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
