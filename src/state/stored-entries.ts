import { isPlain, mergeInto } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import { decodeKey, encodeName, prefixOf, under } from "./rows.ts";
import type { StoredEntries, StoredEntry } from "./unread-entries.ts";
import { isEntryKey, NO_ENTRY_KEY, NO_OBJECT } from "./value-checks.ts";

/** Receives values that should be objects but are not. */
export interface Aside {
  take(key: string, value: unknown, error: unknown): void;
}

/** The parts of a storage that reading entries needs. */
interface EntryStorage {
  get(key: string): unknown;
  list(range: { readonly start: string; readonly end: string }): Iterable<readonly [key: string, value: unknown]>;
}

/**
 * The stored entries of a collection of the state itself.
 * @param volatile volatile values by the keys of their rows, if they are restored
 */
export function storedEntries(
  storage: EntryStorage,
  name: string,
  volatile: ReadonlyMap<string, unknown>,
  aside: Aside,
): StoredEntries & { isEmpty(): boolean } {
  const { start, end } = under(prefixOf(name));
  const putAside = (key: string, value: unknown, why: string) => aside.take(key, value, new Error(why));
  /** @param stored undefined if only volatile values are stored */
  const withVolatile = (row: string, stored: Plain | undefined): Plain | undefined => {
    const own = volatile.size > 0 ? volatile.get(row) : undefined;
    if (!isPlain(own)) return stored;
    const entry: Plain = {};
    for (const part of [stored, own]) if (part) mergeInto(entry, part);
    return entry;
  };
  /** @returns undefined for a value inside of an entry, which is an old format */
  const keyOf = (row: string): string | undefined => {
    const [key, ...inside] = decodeKey(row.slice(start.length));
    return inside.length > 0 ? undefined : key;
  };
  const entryOf = (row: string, stored: Plain | undefined): StoredEntry | undefined => {
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
