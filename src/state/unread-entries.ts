import { untracked } from "@signe/reactive";
import { isHostileKey } from "../protocol/values.ts";
import type { EntryNode } from "./node.ts";
import { isEntryKey } from "./value-checks.ts";

type Values = Record<string, unknown>;

export type StoredEntry = readonly [key: string, stored: Values];

/** The entries of one collection as they are stored, each a read of its own. */
export interface StoredEntries {
  get(key: string): Values | undefined;
  all(): Iterable<StoredEntry>;
}

/** An entry that is only stored. */
interface UnreadEntry {
  readonly stored: Values;
  /** What clients know of it, as JSON. */
  text?: string | undefined;
}

/** Of so many entries it is remembered that storage is out of date; then all others are read. */
const MAX_PASSED = 1000;

/**
 * Entries that are only stored so far. A room that wakes reads those that it needs, one by one; all of them only
 * when the collection is listed. Making an entry costs more than reading it, so that waits until it is looked into.
 */
export class UnreadEntries {
  readonly #sleepers = new Map<string, UnreadEntry>();
  readonly #record: () => Values;
  readonly #revive: (key: string, stored: Values) => object;
  #sample: EntryNode | undefined;
  #unread: StoredEntries | undefined;
  /** Keys of which storage is not asked: their entries were read, made or removed. */
  readonly #passed = new Set<string>();
  /** What clients know of each entry that was not read for anything else, as a member of a JSON object. */
  #told: Map<string, string> | undefined;

  /**
   * @param record the collection's record itself
   * @param revive makes an entry of what is stored
   */
  constructor(record: () => Values, revive: (key: string, stored: Values) => object) {
    this.#record = record;
    this.#revive = revive;
  }

  /** Takes entries that are like `sample`: those that are given, and those that storage has. */
  open(sample: EntryNode, stored: Iterable<StoredEntry>, unread?: StoredEntries): void {
    this.#sample = sample;
    for (const [key, values] of stored) this.#add(key, values);
    this.#unread = unread;
  }

  has(key: string): boolean {
    return this.#sleepers.has(key);
  }

  /** Makes an entry, if it is one of these. */
  wake(key: string): object | undefined {
    const sleeper = this.#sleepers.get(key) ?? this.#read(key);
    if (!sleeper) return undefined;
    // First of all, in case that making it reads the collection.
    this.#sleepers.delete(key);
    try {
      // Whoever reads an entry depends on what it reads of it, not on how it is made.
      return untracked(() => {
        const value = this.#revive(key, sleeper.stored);
        Object.defineProperty(this.#record(), key, { value, writable: true, enumerable: true, configurable: true });
        return value;
      });
    } catch (error) {
      this.#sleepers.set(key, sleeper);
      throw error;
    }
  }

  wakeAll(): void {
    this.list();
    for (const key of this.#sleepers.keys()) this.wake(key);
  }

  /** What is stored under a key is out of date from now on. */
  pass(key: string): void {
    if (!this.#unread) return;
    this.#told?.delete(key);
    if (this.#passed.add(key).size > MAX_PASSED) this.list();
  }

  /** Reads all entries, so that the record has all their keys. */
  list(): void {
    if (!this.#unread) return;
    for (const [key, stored] of this.#unread.all()) {
      if (!this.#passed.has(key) && !this.#sleepers.has(key)) this.#add(key, stored);
    }
    this.#unread = this.#told = undefined;
    this.#passed.clear();
  }

  /** What clients know of each, as members of a JSON object. Those that have to be made to tell are made instead. */
  texts(): string[] {
    if (this.#unread) this.#told ??= this.#tell(this.#unread);
    const texts = this.#told ? [...this.#told.values()] : [];
    for (const [key, sleeper] of this.#sleepers) {
      sleeper.text ??= this.#sample?.textOfStored(sleeper.stored);
      if (sleeper.text === undefined) this.wake(key);
      else texts.push(memberOf(key, sleeper.text));
    }
    return texts;
  }

  /** Reads all entries for their texts only: a room may have thousands, and who joins waits. */
  #tell(unread: StoredEntries): Map<string, string> {
    const told = new Map<string, string>();
    const others: StoredEntry[] = [];
    for (const entry of unread.all()) {
      const [key, stored] = entry;
      if (this.#passed.has(key)) continue;
      const text = this.#sample?.textOfStored(stored);
      if (text === undefined) others.push(entry);
      else told.set(key, memberOf(key, text));
    }
    for (const [key, stored] of others) {
      this.#passed.add(key);
      this.#add(key, stored);
    }
    return told;
  }

  /** Keys may come from clients: storage is asked only for those that entries can have. */
  #read(key: string): UnreadEntry | undefined {
    if (!this.#unread || this.#passed.has(key) || isHostileKey(key) || !isEntryKey(key)) return undefined;
    const stored = this.#unread.get(key);
    if (!stored) return undefined;
    this.#passed.add(key);
    this.#told?.delete(key);
    return this.#add(key, stored);
  }

  /** Until it is made, an entry is a getter in the record. */
  #add(key: string, stored: Values): UnreadEntry {
    const sleeper = { stored };
    this.#sleepers.set(key, sleeper);
    Object.defineProperty(this.#record(), key, { get: () => this.wake(key), enumerable: true, configurable: true });
    return sleeper;
  }
}

function memberOf(key: string, text: string): string {
  return `${JSON.stringify(key)}:${text}`;
}
