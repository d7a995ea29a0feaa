import type { Gatherer, Storage } from "../../platform/ports.ts";
import { JournalRows, pack, unpack } from "./journal-rows.ts";
import type { Packed, Slot } from "./journal-rows.ts";
import { APART_PREFIX, VERSION_KEY } from "./keys.ts";

/** What does not fit the first slot is in further ones. */
const SLOT_PREFIX = `${APART_PREFIX}journal:`;
/** The journal is full when it has more bytes than these for each ms between two saves, within limits… */
const BYTES_PER_MS = 500;
const LEAST_FULL = 25_000;
const MOST_FULL = 1_000_000;
/** …but it may have so many times the bytes of the last save, up to a limit: reading it takes time when a room wakes. */
const SAVES = 4;
const MOST = 8_000_000;
/** Rows that {@link Journal.fold} writes at once. */
const MOST_AT_ONCE = 200;
/** After so long without changes a room is not busy any more, in ms. */
export const CALM = 2000;
/** Saves are worth a journal from the second one on if so little time was between them, in ms; else from the fourth one on. */
const AT_ONCE = 150;
const SAVES_IN_A_ROW = 4;
/** The least time for which it is remembered what was saved, in ms. */
const MEMORY = 1000;

/** A row of the journal, as it was before a transaction. */
interface Kept {
  readonly value: Packed;
  readonly isFolded: boolean;
}

/** The first slot. It is in the row of the version, so that code which does not know of journals refuses to start. */
interface FirstSlot {
  readonly rows: Slot;
  /** How many further slots there are. */
  readonly others: number;
}

/**
 * Storage in which rows that change again and again share one row, the journal: a busy room would write, and pay, one
 * for each of its users otherwise. What is in the journal is newer than the row itself, always: whoever writes or
 * deletes such a row changes the journal, and whoever reads gets what the journal has. {@link fold} brings the
 * rows to where they belong.
 *
 * All of it is written anew with each change, in the transaction of that change. So a crash leaves the journal before
 * or after it, and both are right.
 */
export class Journal implements Storage, Gatherer {
  /** What a room that wakes reads from: without a journal it is the storage below. */
  readonly atStart: Storage;
  onSave: () => void = () => {};
  readonly #storage: Storage;
  readonly #throttle: number;
  readonly #rows = new JournalRows();
  /** Keys of rows that have the journal's value by now, while it is folded. */
  readonly #folded = new Set<string>();
  /** What the rows were that the present transaction changed. */
  #before: Map<string, Kept | undefined> | undefined;
  /** Whether all that is written goes to the journal. */
  #isRecording = false;
  /** Further slots that may be there. */
  #others = 0;
  /** The size of the rows that were recorded last. */
  #lastSize = 0;
  /** Keys that were saved lately, and before that. */
  #recent = new Set<string>();
  #older: ReadonlySet<string> = new Set();
  #recentSince = -Infinity;
  #savedAt = -Infinity;
  /** How many saves followed each other. */
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

  /** Whether it is to be folded even though the room is busy. */
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
    // A row alone is not worth a journal.
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
   * A transaction that saves what changed: to the journal if some of it was saved just before, as in a busy room, which
   * will save it again.
   * @param keys of what changed
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

  /** Writes some rows to where they belong, and ends the journal with the last of them. */
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

  /** A row of the journal; none if it was deleted. */
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

  /** Forgets what was saved long ago, or before the room was calm. */
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

  /** Whether writing these to the journal costs fewer rows, with folding them later. */
  #pays(keys: readonly string[]): boolean {
    if (!this.isEmpty) return !this.isFull && keys.some((key) => this.#rows.has(key));
    if (!this.#followsAtOnce && this.#inARow < SAVES_IN_A_ROW) return false;
    return keys.filter((key) => this.#recent.has(key) || this.#older.has(key)).length > 1;
  }
}

/** Ranges of rows that have all of a range but the journal itself, which is not read again. */
function withoutJournal(start: string, end: string | undefined): { readonly start: string; readonly end?: string }[] {
  const rest = end === undefined ? {} : { end };
  if (start > VERSION_KEY || (end !== undefined && end <= VERSION_KEY)) return [{ start, ...rest }];
  return [
    { start, end: VERSION_KEY },
    { start: `${VERSION_KEY}\0`, ...rest },
  ];
}
