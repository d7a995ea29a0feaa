import { untracked } from "@signe/reactive";
import { isPlain, mergeInto } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import type { Audience } from "./audience.ts";
import { isSimple, textOfStored } from "./entry-values.ts";
import { makeEntry } from "./marks.ts";
import type { CollectionField } from "./field.ts";
import { OUTSIDE } from "./node.ts";
import type { EntryNode, Placement, Shared } from "./node.ts";
import { decodeKey, encodeName, prefixOf, Row, under } from "./rows.ts";
import { isEntryKey, NO_ENTRY_KEY, NO_OBJECT } from "./value-checks.ts";

export type StoredEntry = readonly [key: string, stored: Plain];

/** The entries of one collection in storage. Each is read on its own. */
export interface StoredEntries {
  get(key: string): Plain | undefined;
  all(): Iterable<StoredEntry>;
}

/** A template that all entries of a collection match. */
export type EntryTemplate = EntryNode;

/** An entry with loaded values that is not made yet. */
interface UnreadEntry {
  readonly stored: Plain;
  /** What clients have of it, as JSON. */
  text?: string | undefined;
}

/** The part of a collection that making an entry needs. */
interface Collection {
  readonly shared: Shared;
  readonly field: CollectionField;
  readonly audience: Audience | undefined;
  readonly placement: Omit<Placement, "row">;
}

/** The maximum number of keys whose stored value is outdated. Beyond it, all other entries are loaded. */
const MAX_OUTDATED = 1000;

/**
 * Entries that have not been read since the room started. They are loaded from storage on demand, one by one; all of
 * them are loaded only when the collection is listed. Making an entry costs more than loading it, so that is postponed
 * until it is read.
 */
export class UnreadEntries {
  /** The collection's record itself. */
  record: Plain = {};
  readonly #makeStored: (key: string, stored: Plain) => object;
  readonly #loaded = new Map<string, UnreadEntry>();
  #template: EntryTemplate | undefined;
  /** Where the entries are that were not loaded. */
  #storage: StoredEntries | undefined;
  /** Keys that are not read from storage, since their entries were loaded, made or removed. */
  readonly #outdated = new Set<string>();
  /** What clients have of each entry that was read only for this, as a member of a JSON object. */
  #sent: Map<string, string> | undefined;

  /** @param makeStored makes an entry with its stored values */
  constructor(makeStored: (key: string, stored: Plain) => object) {
    this.#makeStored = makeStored;
  }

  /** Takes entries that match `template`: the given ones, and those in storage. */
  open(template: EntryTemplate, loaded: Iterable<StoredEntry>, storage?: StoredEntries): void {
    this.#template = template;
    for (const [key, stored] of loaded) this.#add(key, stored);
    this.#storage = storage;
  }

  has(key: string): boolean {
    return this.#loaded.has(key);
  }

  /** Makes an entry, if it is unread. */
  make(key: string): object | undefined {
    const entry = this.#loaded.get(key) ?? this.#load(key);
    if (!entry) return undefined;
    // First, since making it may read the collection.
    this.#loaded.delete(key);
    try {
      // A computed signal that reads an entry depends on the fields that it reads, not on how the entry is made.
      return untracked(() => {
        const value = this.#makeStored(key, entry.stored);
        Object.defineProperty(this.record, key, { value, writable: true, enumerable: true, configurable: true });
        return value;
      });
    } catch (error) {
      this.#loaded.set(key, entry);
      throw error;
    }
  }

  /** Makes all entries for which clients get more than the stored values. */
  makeUnlessDurable(): void {
    if (this.#template?.isDurable === false) this.makeAll();
  }

  makeAll(): void {
    this.loadAll();
    for (const key of this.#loaded.keys()) this.make(key);
  }

  /** The stored value of a key is outdated from now on. */
  markOutdated(key: string): void {
    if (!this.#storage) return;
    this.#sent?.delete(key);
    if (this.#outdated.add(key).size > MAX_OUTDATED) this.loadAll();
  }

  /** Loads all entries, so that the record has all their keys. */
  loadAll(): void {
    if (!this.#storage) return;
    for (const [key, stored] of this.#storage.all()) {
      if (!this.#outdated.has(key) && !this.#loaded.has(key)) this.#add(key, stored);
    }
    this.#storage = this.#sent = undefined;
    this.#outdated.clear();
  }

  /** What clients have of each entry, as members of a JSON object. An entry without a text is made instead. */
  texts(): string[] {
    if (this.#storage) this.#sent ??= this.#readTexts(this.#storage);
    const texts = this.#sent ? [...this.#sent.values()] : [];
    for (const [key, entry] of this.#loaded) {
      entry.text ??= this.#textOf(entry.stored);
      if (entry.text === undefined) this.make(key);
      else texts.push(memberOf(key, entry.text));
    }
    return texts;
  }

  #textOf(stored: Plain): string | undefined {
    return this.#template && textOfStored(this.#template, stored);
  }

  /** Reads all entries only for their texts: a room may have thousands, and a client waits for them. */
  #readTexts(storage: StoredEntries): Map<string, string> {
    const texts = new Map<string, string>();
    const others: StoredEntry[] = [];
    for (const entry of storage.all()) {
      const [key, stored] = entry;
      if (this.#outdated.has(key)) continue;
      const text = this.#textOf(stored);
      if (text === undefined) others.push(entry);
      else texts.set(key, memberOf(key, text));
    }
    for (const [key, stored] of others) {
      this.#outdated.add(key);
      this.#add(key, stored);
    }
    return texts;
  }

  /** Keys may come from clients, so storage is asked only for keys that entries can have. */
  #load(key: string): UnreadEntry | undefined {
    if (!this.#storage || this.#outdated.has(key) || !isEntryKey(key)) return undefined;
    const stored = this.#storage.get(key);
    if (!stored) return undefined;
    this.#outdated.add(key);
    this.#sent?.delete(key);
    return this.#add(key, stored);
  }

  /** Until it is made, an entry is a getter in the record. */
  #add(key: string, stored: Plain): UnreadEntry {
    const entry = { stored };
    this.#loaded.set(key, entry);
    Object.defineProperty(this.record, key, { get: () => this.make(key), enumerable: true, configurable: true });
    return entry;
  }
}

/**
 * A template of a collection's entries, which is not part of the state.
 * @returns undefined if entries differ, or if their stored values do not determine what clients get
 */
export function templateOf({ shared, field, audience, placement }: Collection): EntryNode | undefined {
  const { factory } = field;
  // All entries of a factory without parameters are alike.
  if (typeof factory !== "function" || factory.length > 0 || audience) return undefined;
  const own = { ...placement, owner: undefined, row: new Row(shared.rows, "", () => undefined) };
  const template = new shared.Entry(shared, OUTSIDE, "", makeEntry(factory, "").target, own);
  return isSimple(template) ? template : undefined;
}

function memberOf(key: string, text: string): string {
  return `${JSON.stringify(key)}:${text}`;
}

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
