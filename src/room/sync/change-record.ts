import { PRIVATE_PREFIX } from "../storage/keys.ts";
import { MAX_TOUCHED, Row } from "../../state/rows.ts";
import type { Rows } from "../../state/rows.ts";

const PREFIX = `${PRIVATE_PREFIX}changes:`;
/**
 * The last slot that is used is overwritten until it has so many characters, or is so old, in ms; then the next one.
 * All of them have 1 MB or 2 minutes of changes.
 */
const SLOTS = 64;
const SLOT_LENGTH = 16_000;
const SLOT_AGE = 2000;

/** The most characters of a value: storage holds 2 MB under a key. */
const MAX_LENGTH = 500_000;

/** What is stored of the changes in some windows, with the rows that changed. */
export interface StoredChanges {
  /** The life of the room. */
  readonly epoch: string;
  /** From 0, without a gap: of two values of a slot, the higher one is the newer. */
  readonly number: number;
  /** Whether what is stored before is not to be believed. */
  readonly isFirst?: true;
  /** Who has this packet needs only this value and those that follow. */
  readonly since: number;
  /** All that was sent up to this packet is stored. */
  readonly seq: number;
  /** Nothing is stored that is to be sent after this packet. */
  readonly ahead: number;
  /** No packet with a higher number has changes of these rows. */
  readonly last: number;
  /** The keys of rows, with the numbers of the packets with their last changes. */
  readonly changed: Readonly<Record<string, number>>;
}

/** How far what is stored goes. */
export type Stored = Pick<StoredChanges, "seq" | "ahead">;

/** What the record needs to know of the present. */
export interface Present {
  readonly epoch: string;
  /** The number of the last packet. */
  readonly seq: number;
  /** The number of the packet that what has changed by now is sent with: the next one, or if nothing did, the last. */
  readonly ahead: number;
}

/** Notes in storage which rows changed when, in as many slots as are needed, one row for each save. */
export class ChangeRecord {
  /** What is stored completely. */
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
  /** What the value says that was made last. */
  #said: Stored;

  /** @param number the number of the first value @param isFirst whether what is stored before is not to be believed */
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

  /** The number of the last packet is to be stored before the room sleeps. */
  outdated(): void {
    const { log, unsavedVolatile, isClean } = this.#rows;
    if (log) unsavedVolatile.add(log);
    // What is to be stored anyway takes it along.
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
      // What clients had already when the room woke is no change.
      if (changedIn === 0) continue;
      if (!this.#changed.has(key)) this.#length += key.length;
      this.#changed.set(key, changedIn);
    }
    if (this.#length > MAX_LENGTH) this.#forget(clock);
    // If only some rows are written, no more than before is stored completely.
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
