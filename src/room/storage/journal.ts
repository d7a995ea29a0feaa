import type { Storage } from "../../platform/ports.ts";
import { isLiteral, jsonLength } from "../../protocol/values.ts";
import { APART_PREFIX, VERSION_KEY } from "./keys.ts";

/** What does not fit the first slot is in further ones. */
const SLOT_PREFIX = `${APART_PREFIX}journal:`;
/** Bytes of rows in one slot: the runtime stores 2 MiB under a key, and a slot is a little more than its rows. */
const MOST_IN_SLOT = 2_000_000;
/** The journal is full when it has more bytes than these for each ms between two saves, within limits… */
const BYTES_PER_MS = 500;
const LEAST_FULL = 25_000;
const MOST_FULL = 1_000_000;
/** …but it may have so many times the bytes of the last save, up to a limit: reading it takes time when a room wakes. */
const SAVES = 4;
const MOST = 8_000_000;
/** Each row counts as so many bytes more: it takes time too. */
const ROW_COST = 200;
/** Rows that {@link Journal.fold} writes at once. */
const MOST_AT_ONCE = 200;
/** After so long without changes a room is not busy any more, in ms. */
export const CALM = 2000;
/** Saves are worth a journal from the second one on if so little time was between them, in ms; else from the fourth one on. */
const AT_ONCE = 150;
const SAVES_IN_A_ROW = 4;
/** The least time for which it is remembered what was saved, in ms. */
const MEMORY = 1000;

/**
 * The value of a row as JSON, which is parsed when somebody asks for it: a room that wakes may have thousands. Or as it
 * is, where JSON cannot hold it; or undefined, where the row was deleted.
 */
type Packed = string | { readonly value: unknown } | undefined;

/** A row in the journal. */
interface Kept {
  readonly value: Packed;
  /** Bytes, at most; undefined if that was not needed yet. */
  size: number | undefined;
  /** Whether the row itself has this value by now. */
  isFolded: boolean;
}

type Slot = Map<string, Packed>;

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
export class Journal implements Storage {
  /** What a room that wakes reads from: without a journal it is the storage below. */
  readonly atStart: Storage;
  readonly #storage: Storage;
  readonly #throttle: number;
  readonly #rows = new Map<string, Kept>();
  /** What the rows were that the present transaction changed. */
  #before: Map<string, Kept | undefined> | undefined;
  /** Whether all that is written goes to the journal. */
  #isRecording = false;
  /** Further slots that may be there. */
  #others = 0;
  /** Bytes of all rows, and of those that were recorded last. */
  #size = 0;
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
  }

  get isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  /** Whether it is to be folded even though the room is busy. */
  get isFull(): boolean {
    const full = Math.min(Math.max(this.#throttle * BYTES_PER_MS, LEAST_FULL), MOST_FULL);
    return this.#size > Math.min(Math.max(full, SAVES * this.#lastSize), MOST);
  }

  get(key: string): unknown {
    const kept = this.#rows.get(key);
    return kept ? unpack(kept.value) : this.#storage.get(key);
  }

  put(key: string, value: unknown): void {
    if (this.#isRecording || this.#rows.has(key)) this.#keep(key, value);
    else this.#storage.put(key, value);
  }

  delete(key: string): void {
    if (this.#isRecording || this.#rows.has(key)) this.#keep(key, undefined);
    else this.#storage.delete(key);
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
        if (before.size > 0) this.#write();
      });
    } catch (error) {
      for (const [key, kept] of before) {
        if (kept) this.#rows.set(key, kept);
        else this.#rows.delete(key);
      }
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
    const left = [...this.#rows].filter(([key, { isFolded }]) => !isFolded && key !== VERSION_KEY);
    const some = left.slice(0, MOST_AT_ONCE);
    const isEnd = some.length === left.length;
    this.#storage.transaction(() => {
      for (const [key, { value }] of some) this.#restore(key, value);
      if (!isEnd) return;
      this.#restore(VERSION_KEY, this.#rows.get(VERSION_KEY)?.value);
      for (let index = 0; index < this.#others; index++) this.#storage.delete(SLOT_PREFIX + index);
    });
    for (const [, kept] of some) kept.isFolded = true;
    if (!isEnd) return;
    this.#rows.clear();
    this.#size = this.#lastSize = this.#others = 0;
  }

  sync(): Promise<void> {
    return this.#storage.sync();
  }

  #load({ rows, others }: FirstSlot): void {
    const slots: unknown[] = [rows];
    for (let index = 0; index < others; index++) slots.push(this.#storage.get(SLOT_PREFIX + index));
    for (const slot of slots) {
      if (!(slot instanceof Map)) throw new Error("A part of the journal is missing");
      for (const [key, value] of slot as Slot) this.#rows.set(key, { value, size: undefined, isFolded: false });
    }
    this.#others = others;
  }

  *#list({ start = "", end }: NonNullable<Parameters<Storage["list"]>[0]>): Iterable<[key: string, value: unknown]> {
    const isInside = (key: string) => key >= start && (end === undefined || key < end);
    const left = new Set<string>();
    for (const key of this.#rows.keys()) if (isInside(key)) left.add(key);
    const rest = { start, ...(end !== undefined && { end }) };
    // The journal itself is not read again.
    const ranges = isInside(VERSION_KEY)
      ? [
          { start, end: VERSION_KEY },
          { ...rest, start: `${VERSION_KEY}\0` },
        ]
      : [rest];
    for (const range of ranges) {
      for (const row of this.#storage.list(range)) {
        if (!left.delete(row[0])) yield row;
        else yield* this.#rowOf(row[0]);
      }
    }
    for (const key of left) yield* this.#rowOf(key);
  }

  /** A row of the journal; none if it was deleted. */
  *#rowOf(key: string): Iterable<[key: string, value: unknown]> {
    const value = this.#rows.get(key)?.value;
    if (value !== undefined) yield [key, unpack(value)];
  }

  #keep(key: string, value: unknown): void {
    if (!this.#before) return this.transaction(() => this.#keep(key, value));
    if (this.isEmpty) this.#set(VERSION_KEY, this.#storage.get(VERSION_KEY));
    this.#set(key, value);
  }

  #set(key: string, value: unknown): void {
    if (!this.#before?.has(key)) this.#before?.set(key, this.#rows.get(key));
    this.#rows.set(key, { value: pack(value), size: undefined, isFolded: false });
  }

  #restore(key: string, value: Packed): void {
    if (value === undefined) this.#storage.delete(key);
    else this.#storage.put(key, unpack(value));
  }

  #write(): void {
    const first: Slot = new Map();
    const slots = [first];
    let slot = first;
    let size = 0;
    this.#size = 0;
    if (this.#isRecording) this.#lastSize = 0;
    for (const [key, kept] of this.#rows) {
      const own = (kept.size ??= bytesOf(key) + bytesOf(kept.value));
      if (this.#isRecording && this.#before?.has(key)) this.#lastSize += own + ROW_COST;
      if (size + own > MOST_IN_SLOT) {
        slots.push((slot = new Map()));
        size = 0;
      }
      slot.set(key, kept.value);
      size += own;
      this.#size += own + ROW_COST;
    }
    const [, ...others] = slots;
    this.#storage.put(VERSION_KEY, { rows: first, others: others.length } satisfies FirstSlot);
    for (const [index, rows] of others.entries()) this.#storage.put(SLOT_PREFIX + index, rows);
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

function pack(value: unknown): Packed {
  if (value === undefined) return undefined;
  return isJson(value) ? JSON.stringify(value) : { value: structuredClone(value) };
}

function unpack(packed: Packed): unknown {
  return typeof packed === "string" ? JSON.parse(packed) : structuredClone(packed?.value);
}

/** Whether a value is the same again when it was JSON in between. */
function isJson(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== "object" || value === null)
    return value === null || ["string", "boolean"].includes(typeof value);
  // Holes in an array are undefined.
  return Array.isArray(value) ? [...value].every(isJson) : isLiteral(value) && Object.values(value).every(isJson);
}

/** How many bytes the runtime stores: of a text with other than Latin letters, two for each character. */
function bytesOf(packed: Packed): number {
  if (typeof packed === "string") return 8 + packed.length * (/^[\0-\xFF]*$/.test(packed) ? 1 : 2);
  return 16 + 2 * jsonLength(packed?.value);
}
