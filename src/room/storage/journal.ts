import type { Gatherer, Storage } from "../../platform/ports.ts";
import { JournalRows, pack, unpack } from "./journal-rows.ts";
import type { Packed, Slot } from "./journal-rows.ts";
import { APART_PREFIX, VERSION_KEY } from "./keys.ts";

/** The rows for what does not fit into the first slot. */
const SLOT_PREFIX = `${APART_PREFIX}journal:`;
/** The journal is full beyond this many bytes per ms between two saves, within limits, */
const BYTES_PER_MS = 500;
const LEAST_FULL = 25_000;
const MOST_FULL = 1_000_000;
/**
 * but it may have this many times the bytes of the last save, up to a limit, since reading it takes time when a room
 * wakes.
 */
const SAVES = 4;
const MOST = 8_000_000;
/** The maximum number of rows that {@link Journal.fold} writes at once. */
const MOST_AT_ONCE = 200;
/** After this time without changes a room is calm, in ms. */
export const CALM = 2000;
/**
 * The journal is used from the second save on if there was less time between them than this, in ms; otherwise from the
 * fourth on.
 */
const AT_ONCE = 150;
const SAVES_IN_A_ROW = 4;
/** The minimum time for which saved keys are remembered, in ms. */
const MEMORY = 1000;

/** A row of the journal before a transaction. */
interface Kept {
  readonly value: Packed;
  readonly isFolded: boolean;
}

/** The first slot. It is in the row of the version, so that code without journals refuses to start. */
interface FirstSlot {
  readonly rows: Slot;
  /** The number of further slots. */
  readonly others: number;
}

/**
 * Storage in which rows that change often share one row, the journal. Without it, a busy room would write, and pay for,
 * one row for each user. The journal is always newer than the rows themselves: writes and deletions of such a row
 * change the journal, and reads return its value. {@link fold} moves the rows to their places.
 *
 * The whole journal is written with each change, in the transaction of the change. So a crash leaves the journal before
 * or after it, and both are consistent.
 */
export class Journal implements Storage, Gatherer {
  /** The storage that a waking room reads from. Without a journal it is the underlying storage. */
  readonly atStart: Storage;
  onSave: () => void = () => {};
  readonly #storage: Storage;
  readonly #throttle: number;
  readonly #rows = new JournalRows();
  /** Keys of rows that already have the journal's value, while it is folded. */
  readonly #folded = new Set<string>();
  /** The rows that the current transaction changed, with their previous values. */
  #before: Map<string, Kept | undefined> | undefined;
  /** Whether all writes go to the journal. */
  #isRecording = false;
  /** Further slots that may exist. */
  #others = 0;
  /** The size of the rows that were recorded last. */
  #lastSize = 0;
  /** Keys that were saved recently, and before that. */
  #recent = new Set<string>();
  #older: ReadonlySet<string> = new Set();
  #recentSince = -Infinity;
  #savedAt = -Infinity;
  /** The number of saves in a row. */
  #inARow = 0;
  #followsAtOnce = false;

  /**
   * @param throttle the time between two saves, in ms
   * @throws Error if a part of a stored journal is missing
   */
  constructor(storage: Storage, throttle: number) {
    this.#storage = storage;
    this.#throttle = throttle;
    const first = storage.get(VERSION_KEY) as FirstSlot | undefined;
    // It may also be a number.
    if (first?.rows instanceof Map) this.#load(first);
    this.atStart = this.isEmpty ? storage : this;
    storage.gatheredBy?.(this);
  }

  get isEmpty(): boolean {
    return this.#rows.isEmpty;
  }

  /** Whether to fold it although the room is busy. */
  get isFull(): boolean {
    const full = Math.min(Math.max(this.#throttle * BYTES_PER_MS, LEAST_FULL), MOST_FULL);
    return this.#rows.size > Math.min(Math.max(full, SAVES * this.#lastSize), MOST);
  }

  get(key: string): unknown {
    return this.#rows.has(key) ? unpack(this.#rows.get(key)) : this.#storage.get(key);
  }

  put(key: string, value: unknown): void {
    if (this.#isRecording || this.#rows.has(key)) this.#keep(key, value);
    else this.#storage.put(key, value);
  }

  delete(key: string): void {
    if (this.#isRecording || this.#rows.has(key)) this.#keep(key, undefined);
    else this.#storage.delete(key);
  }

  take(key: string, value: unknown): boolean {
    // A single row does not need a journal.
    const isTaken = this.#rows.has(key) || (this.#isRecording && this.#before !== undefined && this.#before.size > 0);
    if (isTaken) this.#keep(key, value);
    return isTaken;
  }

  /** Rows that only the journal has come last. */
  list(range: Parameters<Storage["list"]>[0] = {}): Iterable<[key: string, value: unknown]> {
    return this.isEmpty ? this.#storage.list(range) : this.#list(range);
  }

  transaction(run: () => void): void {
    if (this.#before) return run();
    const before = (this.#before = new Map<string, Kept | undefined>());
    try {
      this.#storage.transaction(() => {
        run();
        this.onSave();
        if (before.size > 0) this.#write(before.keys());
      });
    } catch (error) {
      for (const [key, kept] of before) this.#undo(key, kept);
      throw error;
    } finally {
      this.#before = undefined;
    }
  }

  /**
   * A transaction that saves changes. They go to the journal if some of them were saved recently, as in a busy room
   * that will save them again.
   * @param keys the keys of the changes
   */
  save(now: number, keys: readonly string[], run: () => void): void {
    this.#remember(now);
    this.#isRecording = this.#pays(keys);
    try {
      this.transaction(run);
    } finally {
      this.#isRecording = false;
    }
    this.#savedAt = now;
    for (const key of keys) this.#recent.add(key);
  }

  /** Writes some rows to their places, and ends the journal with the last of them. */
  fold(): void {
    const left = [...this.#rows.keys()].filter((key) => !this.#folded.has(key) && key !== VERSION_KEY);
    const some = left.slice(0, MOST_AT_ONCE);
    const isEnd = some.length === left.length;
    this.#storage.transaction(() => {
      for (const key of some) this.#restore(key);
      if (!isEnd) return;
      this.#restore(VERSION_KEY);
      for (let index = 0; index < this.#others; index++) this.#storage.delete(SLOT_PREFIX + index);
    });
    for (const key of some) this.#folded.add(key);
    if (!isEnd) return;
    this.#rows.clear();
    this.#folded.clear();
    this.#lastSize = this.#others = 0;
  }

  sync(): Promise<void> {
    return this.#storage.sync();
  }

  #load({ rows, others }: FirstSlot): void {
    const slots: unknown[] = [rows];
    for (let index = 0; index < others; index++) slots.push(this.#storage.get(SLOT_PREFIX + index));
    if (!slots.every((slot) => slot instanceof Map)) throw new Error("A part of the journal is missing");
    this.#rows.load(slots);
    this.#others = others;
  }

  *#list({ start = "", end }: NonNullable<Parameters<Storage["list"]>[0]>): Iterable<[key: string, value: unknown]> {
    const found = new Set<string>();
    for (const range of withoutJournal(start, end)) {
      for (const row of this.#storage.list(range)) {
        const [key] = row;
        if (!this.#rows.has(key)) {
          yield row;
          continue;
        }
        found.add(key);
        yield* this.#rowOf(key);
      }
    }
    for (const key of this.#rows.keysIn(start, end)) if (!found.has(key)) yield* this.#rowOf(key);
  }

  /** A row of the journal. Empty if it was deleted. */
  *#rowOf(key: string): Iterable<[key: string, value: unknown]> {
    const value = this.#rows.get(key);
    if (value !== undefined) yield [key, unpack(value)];
  }

  #keep(key: string, value: unknown): void {
    if (!this.#before) return this.transaction(() => this.#keep(key, value));
    if (this.isEmpty) this.#set(VERSION_KEY, this.#storage.get(VERSION_KEY));
    this.#set(key, value);
  }

  #set(key: string, value: unknown): void {
    if (this.#before && !this.#before.has(key)) {
      const kept = { value: this.#rows.get(key), isFolded: this.#folded.has(key) };
      this.#before.set(key, this.#rows.has(key) ? kept : undefined);
    }
    this.#rows.set(key, pack(value));
    this.#folded.delete(key);
  }

  #undo(key: string, kept: Kept | undefined): void {
    if (kept) this.#rows.set(key, kept.value);
    else this.#rows.delete(key);
    if (kept?.isFolded) this.#folded.add(key);
  }

  #restore(key: string): void {
    const value = this.#rows.get(key);
    if (value === undefined) this.#storage.delete(key);
    else this.#storage.put(key, unpack(value));
  }

  #write(changed: Iterable<string>): void {
    if (this.#isRecording) this.#lastSize = this.#rows.sizeOf(changed);
    const [rows, ...others] = this.#rows.slots() as [Slot, ...Slot[]];
    this.#storage.put(VERSION_KEY, { rows, others: others.length } satisfies FirstSlot);
    for (const [index, slot] of others.entries()) this.#storage.put(SLOT_PREFIX + index, slot);
    this.#others = Math.max(this.#others, others.length);
  }

  /** Forgets keys that were saved long ago, or before the room was calm. */
  #remember(now: number): void {
    const pause = now - this.#savedAt - this.#throttle;
    this.#followsAtOnce = pause <= AT_ONCE;
    this.#inARow = pause <= CALM ? this.#inARow + 1 : 1;
    if (this.#inARow === 1) this.#recent = new Set();
    if (now - this.#recentSince < Math.max(this.#throttle, MEMORY)) return;
    this.#older = this.#recent;
    this.#recent = new Set();
    this.#recentSince = now;
  }

  /** Whether writing these rows to the journal costs fewer rows, including folding them later. */
  #pays(keys: readonly string[]): boolean {
    if (!this.isEmpty) return !this.isFull && keys.some((key) => this.#rows.has(key));
    if (!this.#followsAtOnce && this.#inARow < SAVES_IN_A_ROW) return false;
    return keys.filter((key) => this.#recent.has(key) || this.#older.has(key)).length > 1;
  }
}

/** Ranges with all rows of a range except the journal itself, which is not read again. */
function withoutJournal(start: string, end: string | undefined): { readonly start: string; readonly end?: string }[] {
  const rest = end === undefined ? {} : { end };
  if (start > VERSION_KEY || (end !== undefined && end <= VERSION_KEY)) return [{ start, ...rest }];
  return [
    { start, end: VERSION_KEY },
    { start: `${VERSION_KEY}\0`, ...rest },
  ];
}
