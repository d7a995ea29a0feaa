import { VOLATILE_PREFIX } from "../state/rows.ts";
import type { Row, Rows } from "../state/rows.ts";
import type { Alarms, Sleeper } from "./alarms.ts";
import type { Clock, Storage } from "./ports.ts";

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
export class Persistence implements Sleeper {
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

  /** Whether something could not be written when that was tried last. */
  get isFailing(): boolean {
    return this.#failures > 0;
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
      if (this.#failures === 0) this.save();
    });
  }

  /** The end of a shard's batch: with a throttle of 0, that it was taken is stored with what it changed. */
  endBatch(): void {
    if (this.#throttle === 0 && this.#failures === 0) this.save();
  }

  /** The end of a turn: with a throttle of 0, what it changed is written before it is sent. */
  endTurn(): void {
    if (this.#throttle === 0 && this.#failures === 0 && !this.#rows.isClean) this.save();
  }

  due(): number | undefined {
    return this.#due ?? this.#next;
  }

  run(): void {
    this.save();
  }

  /**
   * The alarm rang, for whatever: the object is awake, so what is unsaved is saved along. Where changes go on, the
   * alarm is set for the next window at once: set for a session's end now, and for the next change then, it would
   * cost two rows.
   */
  rang(): void {
    const now = this.#clock.now();
    const hasChanges = this.#hasChanges;
    this.save();
    const goesOn = hasChanges && now - this.#rangAt <= 2 * this.#throttle;
    if (hasChanges) this.#rangAt = now;
    this.#next = goesOn ? now + this.#throttle : undefined;
  }

  /** Writes all that is unsaved, all or nothing; what cannot be written is tried again. */
  save(): void {
    this.#due = undefined;
    this.#release?.();
    this.#release = undefined;
    if (!this.#hasChanges) return;
    try {
      this.#storage.transaction(() => {
        this.#write(new Set(this.#allRows()), this.#rows.removed);
        this.companion?.write();
      });
      this.#preface = undefined;
      this.#rows.clear();
      this.companion?.saved();
      this.#failures = 0;
    } catch (error) {
      this.#onError(error);
      this.#saveSingly();
    }
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

  #allRows(): Iterable<Row> {
    return [...this.#rows.unsaved, ...this.#rows.unsavedVolatile];
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
    for (const key of this.#rows.removed) {
      if (this.#try(() => this.#write([], [key]))) this.#rows.removed.delete(key);
    }
    for (const row of new Set(this.#allRows())) {
      if (!this.#try(() => this.#write([row], []))) continue;
      this.#rows.unsaved.delete(row);
      this.#rows.unsavedVolatile.delete(row);
    }
    if (this.#rows.isClean) {
      this.#failures = 0;
      if (this.#try(() => this.companion?.write())) this.companion?.saved();
    } else this.#saveIn(Math.min(FIRST_RETRY * 2 ** this.#failures++, LONGEST_RETRY));
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
    if (this.#due !== undefined) return;
    this.#due = this.#clock.now() + ms;
    this.#alarms.arm();
    this.#release = this.#clock.after(
      ms + GRACE,
      () => {
        this.#release = undefined;
        this.save();
      },
      "save",
    );
  }
}
