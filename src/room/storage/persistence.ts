import { VOLATILE_PREFIX } from "../../state/rows.ts";
import type { Row, Rows } from "../../state/rows.ts";
import type { Alarms, Wakeable } from "../timing/alarms.ts";
import type { Clock, Storage } from "../../platform/ports.ts";

/** How much later than the alarm memory is given up: an alarm may be late. */
const GRACE = 500;
/** What could not be written is tried again after 1 s, 2 s, 4 s … in ms. */
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 60_000;
const COMPANION_DELAY = 1000;

/** Something else that is stored in one transaction with the state. */
export interface Companion {
  readonly isUnsaved: boolean;
  write(): void;
  /** All was written, that of the state too. */
  saved(): void;
}

/**
 * Writes what changed, row by row: by the alarm after `throttle` ms, or with 0 at the end of the turn, before
 * anything of it is sent.
 */
export class Persistence implements Wakeable {
  readonly #rows: Rows;
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #alarms: Alarms;
  readonly #throttle: number;
  companion: Companion | undefined;
  readonly #onError: (error: unknown) => void;
  /** Rows of values that only hibernation brings back. */
  readonly #volatile = new Set<string>();
  #due: number | undefined;
  /** When the next window ends, where changes go on and on. */
  #next: number | undefined;
  #rangAt = -Infinity;
  #release: (() => void) | undefined;
  #failures = 0;
  #retryAt = 0;
  /** Rows that could not be written when that was tried last, even alone. */
  readonly #stuck = new Set<Row>();
  #isSavingAlong = false;
  /** Writes what has to be there with the first row, until it was written. */
  #preface: (() => void) | undefined;

  constructor(
    rows: Rows,
    storage: Storage,
    clock: Clock,
    alarms: Alarms,
    throttle: number,
    onError: (error: unknown) => void,
  ) {
    this.#rows = rows;
    this.#storage = storage;
    this.#clock = clock;
    this.#alarms = alarms;
    this.#throttle = throttle;
    this.#onError = onError;
  }

  /** Something is unsaved. */
  schedule(): void {
    if (this.#throttle > 0) this.#saveIn(this.#throttle);
  }

  /** Only the companion is unsaved: what it knows is worth no haste. */
  scheduleCompanion(): void {
    this.#saveIn(this.#throttle || COMPANION_DELAY);
  }

  /**
   * Something that belongs to the state was written: what else this handler changes, up to where it waits, is
   * durable together with that, since the runtime has not begun another task by then.
   */
  saveAlong(): void {
    if (this.#isSavingAlong) return;
    this.#isSavingAlong = true;
    queueMicrotask(() => {
      this.#isSavingAlong = false;
      this.#saveDue();
    });
  }

  /** The end of a shard's batch: with a throttle of 0, that it was taken is stored with what it changed. */
  endBatch(): void {
    if (this.#throttle === 0) this.#saveDue();
  }

  /** The end of a turn: with a throttle of 0, what it changed is written before it is sent. */
  endTurn(): void {
    if (this.#throttle === 0 && !this.#rows.isClean) this.#saveDue();
  }

  due(): number | undefined {
    return this.#due ?? this.#next;
  }

  run(): void {
    this.#saveDue();
  }

  /**
   * The alarm rang, for whatever: the object is awake, so what is unsaved is saved along. Where changes go on, the
   * alarm is set for the next window at once: set for a session's end now, and for the next change then, it would
   * cost two rows.
   */
  rang(): void {
    const now = this.#clock.now();
    const hasChanges = this.#hasChanges;
    this.#saveDue();
    const goesOn = hasChanges && now - this.#rangAt <= 2 * this.#throttle;
    if (hasChanges) this.#rangAt = now;
    this.#next = goesOn ? now + this.#throttle : undefined;
  }

  /** Writes all that is unsaved, all or nothing; what cannot be written is tried again. */
  save(): void {
    if (!this.#saveAll()) this.#saveSingly();
  }

  /**
   * The same, where some rows are worth nothing without each other: they are written even if others cannot be.
   * @param belongs says of a row's key whether it is one of them
   * @returns false if none of them is written: whoever gives them up has to save that
   */
  saveTogether(belongs: (key: string) => boolean): boolean {
    if (this.#saveAll()) return true;
    const rows = this.#allRows().filter(({ key }) => belongs(key));
    if (!this.#saveSome(rows, [...this.#rows.removed].filter(belongs))) return false;
    this.#saveSingly();
    return true;
  }

  /**
   * Takes over the volatile rows that are stored, or deletes them where the room starts anew.
   * @param preface writes what has to be there with the first row
   */
  load(keys: Iterable<string>, keep: boolean, preface: (() => void) | undefined): void {
    this.#preface = preface;
    for (const key of keys) {
      if (keep) this.#volatile.add(key);
      else this.#storage.delete(key);
    }
  }

  get #hasChanges(): boolean {
    return !this.#rows.isClean || this.companion?.isUnsaved === true;
  }

  #allRows(): Row[] {
    return [...new Set([...this.#rows.unsaved, ...this.#rows.unsavedVolatile])];
  }

  /** @returns whether all is written */
  #saveAll(): boolean {
    this.#cancel();
    if (!this.#hasChanges) {
      this.#failures = 0;
      return true;
    }
    const rows = this.#allRows();
    try {
      this.#storage.transaction(() => {
        this.#write(rows, this.#rows.removed);
        this.companion?.write();
      });
    } catch (error) {
      this.#undone(rows, this.#rows.removed);
      this.#onError(error);
      return false;
    }
    this.#preface = undefined;
    this.#rows.clear();
    this.companion?.saved();
    this.#failures = 0;
    return true;
  }

  #write(rows: Iterable<Row>, removed: Iterable<string>): void {
    this.#preface?.();
    for (const key of removed) {
      this.#storage.delete(key);
      this.#put(VOLATILE_PREFIX + key, undefined);
    }
    for (const row of rows) {
      if (this.#rows.unsaved.has(row)) this.#put(row.key, row.read(true));
      if (this.#rows.unsavedVolatile.has(row)) this.#put(VOLATILE_PREFIX + row.key, row.read(false));
    }
  }

  #put(key: string, value: unknown): void {
    if (value !== undefined) {
      this.#storage.put(key, value);
      if (key.startsWith(VOLATILE_PREFIX)) this.#volatile.add(key);
    } else if (this.#volatile.delete(key)) {
      this.#storage.delete(key);
    }
  }

  /** One row that cannot be written must not keep the others from it. */
  #saveSingly(): void {
    // Whoever goes, goes whole.
    this.#saveSome([], [...this.#rows.removed]);
    this.#stuck.clear();
    for (const row of this.#allRows()) if (!this.#saveSome([row], [])) this.#stuck.add(row);
    this.#rows.tried();
    if (this.#rows.isClean) {
      this.#failures = 0;
      if (this.#try(() => this.companion?.write())) this.companion?.saved();
      return;
    }
    const wait = Math.min(FIRST_RETRY * 2 ** this.#failures++, LONGEST_RETRY);
    this.#retryAt = this.#clock.now() + wait;
    this.#saveIn(wait);
  }

  /** Saves what can be: what cannot costs the others nothing of what they are promised, and is tried again later. */
  #saveDue(): void {
    const wait = this.#retryAt - this.#clock.now();
    // A clock that jumped back keeps nothing waiting.
    const mayWait = this.#failures > 0 && wait > 0 && wait <= LONGEST_RETRY;
    if (!mayWait) return this.save();
    const rows = this.#allRows().filter((row) => !this.#stuck.has(row));
    if (rows.length + this.#rows.removed.size > 0) this.#saveSome(rows, [...this.#rows.removed]);
    this.#rows.tried();
    if (this.#due === this.#retryAt) return;
    this.#cancel();
    this.#saveIn(wait);
  }

  /** @returns whether these are written: all of them, or none */
  #saveSome(rows: readonly Row[], removed: readonly string[]): boolean {
    if (!this.#try(() => this.#write(rows, removed))) {
      this.#undone(rows, removed);
      return false;
    }
    for (const row of rows) {
      this.#rows.unsaved.delete(row);
      this.#rows.unsavedVolatile.delete(row);
    }
    for (const key of removed) this.#rows.removed.delete(key);
    return true;
  }

  /** Nothing of it was written: the volatile rows that were deleted are there again. */
  #undone(rows: Iterable<Row>, removed: Iterable<string>): void {
    for (const key of removed) this.#volatile.add(VOLATILE_PREFIX + key);
    for (const { key } of rows) this.#volatile.add(VOLATILE_PREFIX + key);
  }

  #try(write: () => void): boolean {
    try {
      this.#storage.transaction(write);
      return true;
    } catch {
      return false;
    }
  }

  /** Sets the alarm; and a timer, since an object that waits for one is not put to sleep with its changes. */
  #saveIn(ms: number): void {
    const at = this.#clock.now() + ms;
    if (this.#due !== undefined && this.#due <= at) return;
    this.#cancel();
    this.#due = at;
    this.#alarms.arm();
    this.#release = this.#clock.after(
      ms + GRACE,
      () => {
        this.#release = undefined;
        this.#saveDue();
      },
      "save",
    );
  }

  #cancel(): void {
    this.#due = undefined;
    this.#release?.();
    this.#release = undefined;
  }
}
