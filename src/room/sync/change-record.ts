import { PRIVATE_PREFIX } from "../storage/keys.ts";
import { MAX_TOUCHED, Row } from "../../state/rows.ts";
import type { Rows } from "../../state/rows.ts";

const PREFIX = `${PRIVATE_PREFIX}changes:`;
/**
 * The last used slot is overwritten until it has this many characters, or this age in ms. Then the next one is used.
 * Together they have 1 MB or 2 minutes of changes.
 */
const SLOTS = 64;
const SLOT_LENGTH = 16_000;
const SLOT_AGE = 2000;

/** The maximum length of a value. Storage accepts 2 MB per key. */
const MAX_LENGTH = 500_000;

/** The stored form of the changes in some windows, written with the changed rows. */
export interface StoredChanges {
  /** The life of the room. */
  readonly epoch: string;
  /** From 0, without gaps. Of two values of a slot, the higher one is newer. */
  readonly number: number;
  /** Whether earlier values are invalid. */
  readonly isFirst?: true;
  /** A client with this packet needs only this value and the following ones. */
  readonly since: number;
  /** Everything up to this packet is stored. */
  readonly seq: number;
  /** Nothing is stored that will be sent after this packet. */
  readonly ahead: number;
  /** No packet with a higher number has changes of these rows. */
  readonly last: number;
  /** The keys of rows, with the numbers of the packets with their last changes. */
  readonly changed: Readonly<Record<string, number>>;
}

/** How much is stored. */
export type Stored = Pick<StoredChanges, "seq" | "ahead">;

/** The present numbers. */
export interface Present {
  readonly epoch: string;
  /** The number of the last packet. */
  readonly seq: number;
  /** The number of the packet that will contain the present changes: the next one, or without changes the last one. */
  readonly ahead: number;
}

/** Records in storage when rows changed. It uses as many slots as needed, one for each save. */
export class ChangeRecord {
  /** The completely stored part. */
  stored: Stored;
  readonly #rows: Rows;
  readonly #now: () => number;
  readonly #present: () => Present;
  #number: number;
  #isFirst: boolean;
  #since: number;
  #began: number;
  #changed = new Map<string, number>();
  #length = 0;
  /** The `stored` of the last written value. */
  #said: Stored;

  /** @param number the number of the first value @param isFirst whether earlier values are invalid */
  constructor(rows: Rows, now: () => number, present: () => Present, number: number, isFirst: boolean, stored: Stored) {
    this.#rows = rows;
    this.#now = now;
    this.#present = present;
    this.#number = number;
    this.#isFirst = isFirst;
    this.#since = stored.ahead;
    this.#began = now();
    this.stored = this.#said = stored;
    this.#open();
    rows.onSaved = () => this.#saved();
  }

  /** The number of the last packet has to be stored before the room hibernates. */
  outdated(): void {
    const { log, unsavedVolatile, isClean } = this.#rows;
    if (log) unsavedVolatile.add(log);
    // The next regular write includes it.
    if (isClean) this.#rows.note("volatile");
  }

  #open(): void {
    const key = PREFIX + String(this.#number % SLOTS).padStart(2, "0");
    this.#rows.log = new Row(this.#rows, key, (persisted) => (persisted ? this.#value() : undefined));
  }

  #value(): StoredChanges {
    const { epoch, seq, ahead } = this.#present();
    const { touched, isSavingAll, clock } = this.#rows;
    if (touched.size > MAX_TOUCHED) this.#forget(clock);
    for (const { key, changedIn } of touched) {
      // Clients already had these changes when the room woke.
      if (changedIn === 0) continue;
      if (!this.#changed.has(key)) this.#length += key.length;
      this.#changed.set(key, changedIn);
    }
    if (this.#length > MAX_LENGTH) this.#forget(clock);
    // If only some rows are written, the completely stored part does not grow.
    this.#said = isSavingAll ? { seq, ahead } : this.stored;
    const changed = Object.fromEntries(this.#changed);
    const isFirst = this.#isFirst && { isFirst: true as const };
    return { epoch, number: this.#number, ...isFirst, since: this.#since, ...this.#said, last: clock, changed };
  }

  #forget(clock: number): void {
    this.#rows.touched.clear();
    this.#changed.clear();
    this.#length = 0;
    this.#isFirst = true;
    this.#since = clock;
  }

  #saved(): void {
    this.stored = this.#said;
    this.#rows.touched.clear();
    if (this.#length < SLOT_LENGTH && this.#now() - this.#began < SLOT_AGE) return;
    this.#number++;
    this.#isFirst = false;
    this.#since = this.#rows.clock;
    this.#began = this.#now();
    this.#changed = new Map();
    this.#length = 0;
    this.#open();
  }
}
