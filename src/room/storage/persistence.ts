import { SESSION_PREFIX } from "./keys.ts";
import { VOLATILE_PREFIX } from "../../state/rows.ts";
import type { Row, Rows } from "../../state/rows.ts";
import { backoff } from "../../platform/backoff.ts";
import { remaining } from "../../platform/clock.ts";
import type { Alarms, Wakeable } from "../timing/alarms.ts";
import type { RoomPart } from "../timing/room-part.ts";
import type { Turns } from "../timing/turns.ts";
import type { Clock, Failures, Storage } from "../../platform/ports.ts";

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
export class Persistence implements RoomPart, Wakeable {
  readonly #rows: Rows;
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #turns: Turns;
  readonly #alarms: Alarms;
  readonly #throttle: number;
  readonly #failures: Failures;
  /** Stored in one transaction with the state, if there is something. */
  companion: Companion | undefined;
  /** Given the rows that cannot be written, says of other rows' keys whether they are worth nothing without those. */
  dependents: (stuck: ReadonlySet<Row>) => (key: string) => boolean = () => () => false;
  /** Rows of values that only hibernation brings back. */
  readonly #volatile = new Set<string>();
  #due: number | undefined;
  /** When the next window ends, where changes go on and on. */
  #next: number | undefined;
  #rangAt = -Infinity;
  #release: (() => void) | undefined;
  /** Why the last save failed; undefined if it did not. */
  failure: unknown;
  #failedSaves = 0;
  #retryAt = 0;
  /** Rows that could not be written when that was tried last, even alone. */
  readonly #stuck = new Set<Row>();
  #isSavingSoon = false;
  /** Writes what has to be there with the first row, until it was written. */
  #preface: (() => void) | undefined;

  /** @param throttle in ms */
  constructor(
    rows: Rows,
    storage: Storage,
    clock: Clock,
    turns: Turns,
    alarms: Alarms,
    throttle: number,
    failures: Failures,
  ) {
    this.#rows = rows;
    this.#storage = storage;
    this.#clock = clock;
    this.#turns = turns;
    this.#alarms = alarms;
    this.#throttle = throttle;
    this.#failures = failures;
  }

  /**
   * Takes over the volatile rows that are stored, or deletes them where the room starts anew.
   * @param preface writes what has to be there with the first row
   */
  takeOver(keys: Iterable<string>, keep: boolean, preface: (() => void) | undefined): void {
    this.#preface = preface;
    for (const key of keys) {
      if (keep) this.#volatile.add(key);
      else this.discard(key);
    }
  }

  /** Deletes a row now, or with the next save if that fails: a room must be able to start while storage fails. */
  discard(key: string): void {
    try {
      this.#storage.delete(key);
    } catch (error) {
      this.#rows.removed.add(key);
      this.#failures.failed("save_failed", error);
    }
  }

  /** From now on, what changes is saved. */
  open(): void {
    this.#rows.onUnsaved = () => this.schedule();
  }

  /** Something is unsaved: a row of the state, or only the companion, which is in no hurry. */
  schedule(what: "row" | "companion" = "row"): void {
    if (this.#throttle > 0) {
      // An alarm would be for nothing.
      if (!this.#isSavingSoon) this.#saveIn(this.#throttle);
    } else if (what === "companion") this.#saveIn(COMPANION_DELAY);
    else this.#turns.want();
  }

  /**
   * Saves as soon as the handler that runs now waits for something, or is done: what it changes until then is durable
   * together with what it has written to storage itself, since the runtime has not begun another task by then.
   */
  saveSoon(): void {
    if (this.#isSavingSoon) return;
    this.#isSavingSoon = true;
    queueMicrotask(() => {
      this.#isSavingSoon = false;
      this.#saveDue();
    });
  }

  /**
   * With a throttle of 0, what a turn changed is written before it is sent.
   * @param withCompanion whether to write the companion too, if only that is unsaved
   */
  endTurn(withCompanion = false): void {
    if (this.#throttle === 0 && (withCompanion || !this.#rows.isClean)) this.#saveDue();
  }

  due(): number | undefined {
    return this.#due ?? this.#next;
  }

  run(): void {
    this.#saveDue();
  }

  /**
   * The object is awake, so what is unsaved is saved along. Where changes go on, the alarm is set for the next window
   * at once: set for a session's end now, and for the next change then, it would cost two rows.
   */
  rang(): void {
    const now = this.#clock.now();
    const hasChanges = this.hasChanges;
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

  /** Whether something is not stored yet. */
  get hasChanges(): boolean {
    return !this.#rows.isClean || this.companion?.isUnsaved === true;
  }

  #allRows(): Row[] {
    const { unsaved, unsavedVolatile, log } = this.#rows;
    return [...new Set([...unsaved, ...unsavedVolatile])].filter((row) => row !== log);
  }

  /** @returns whether all is written */
  #saveAll(): boolean {
    this.#cancel();
    if (!this.hasChanges) {
      this.#failedSaves = 0;
      return true;
    }
    const rows = this.#allRows();
    try {
      this.#rows.isSavingAll = true;
      this.#storage.transaction(() => {
        this.#write(rows, this.#rows.removed);
        this.companion?.write();
      });
    } catch (error) {
      this.#undone(rows, this.#rows.removed);
      this.failure = error;
      this.#failures.failed("save_failed", error);
      return false;
    } finally {
      this.#rows.isSavingAll = false;
    }
    this.failure = undefined;
    this.#preface = undefined;
    this.#rows.clear();
    this.#rows.onSaved();
    this.companion?.saved();
    this.#failedSaves = 0;
    return true;
  }

  #write(rows: Iterable<Row>, removed: Iterable<string>): void {
    this.#preface?.();
    const { log, touched, unsavedVolatile } = this.#rows;
    if (log && (touched.size > 0 || unsavedVolatile.has(log))) this.#storage.put(log.key, log.read(true));
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
    // Delete an entry with all of its rows, or not at all.
    this.#saveSome([], [...this.#rows.removed]);
    this.#stuck.clear();
    const rows = this.#allRows();
    const saveOrKeep = (row: Row) => this.#saveSome([row], []) || this.#stuck.add(row);
    rows.filter(isOfSession).forEach(saveOrKeep);
    const isDependent = this.dependents(this.#stuck);
    for (const row of rows) {
      if (isDependent(row.key)) this.#stuck.add(row);
      else if (!isOfSession(row)) saveOrKeep(row);
    }
    this.#rows.tried();
    if (this.#rows.isClean && this.#try(() => this.companion?.write())) {
      this.#failedSaves = 0;
      this.failure = undefined;
      this.companion?.saved();
      return;
    }
    const wait = backoff(this.#failedSaves++, FIRST_RETRY, LONGEST_RETRY);
    this.#retryAt = this.#clock.now() + wait;
    this.#saveIn(wait);
  }

  /** Saves what can be: what cannot costs the others nothing of what they are promised, and is tried again later. */
  #saveDue(): void {
    const now = this.#clock.now();
    const wait = remaining(this.#retryAt, now, LONGEST_RETRY);
    if (this.#failedSaves === 0 || wait <= 0) return this.save();
    this.#retryAt = now + wait;
    const isDependent = this.dependents(this.#stuck);
    const rows = this.#allRows().filter((row) => !this.#stuck.has(row) && !isDependent(row.key));
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
    this.#alarms.arm(this, at);
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

function isOfSession({ key }: Row): boolean {
  return key.startsWith(SESSION_PREFIX);
}
