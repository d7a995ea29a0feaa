import { SESSION_PREFIX } from "./keys.ts";
import { VOLATILE_PREFIX } from "../../state/rows.ts";
import type { Row, Rows, Unsaved } from "../../state/rows.ts";
import { backoff } from "../../platform/backoff.ts";
import { remaining } from "../../platform/clock.ts";
import type { Alarms, Wakeable } from "../timing/alarms.ts";
import type { Companion, RoomPart } from "../timing/room-part.ts";
import type { Turns } from "../timing/turns.ts";
import type { Clock } from "../../platform/ports.ts";
import { Calm } from "./calm.ts";
import type { CalmScope } from "./calm.ts";
import type { Journal } from "./journal.ts";

/** How long after the alarm's time a save is late, in ms, since an alarm may be late. */
const GRACE = 500;
/** A failed write is repeated after 1 s, 2 s, 4 s … in ms. */
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 60_000;
const COMPANION_DELAY = 1000;

/** The parts of the room that saving needs. */
interface PersistenceScope extends CalmScope {
  readonly turns: Turns;
  readonly alarms: Alarms;
}

/**
 * Writes changes: with the alarm after `throttle` ms, or with 0 at the end of the turn, before they are sent. Rows that
 * change often go to the journal, which is folded when the room is calm. Volatile rows are written then too: they are
 * not needed before the room may hibernate, and a timer keeps it awake until then.
 */
export class Persistence implements RoomPart, Wakeable {
  readonly #scope: PersistenceScope;
  readonly #rows: Rows;
  readonly #storage: Journal;
  readonly #clock: Clock;
  readonly #throttle: number;
  /** Stored in one transaction with the state, if it has changes. */
  companion: Companion | undefined;
  /** Given the rows that cannot be written, returns whether the row of a key is useless without them. */
  dependents: (stuck: ReadonlySet<Row>) => (key: string) => boolean = () => () => false;
  /** Rows of values that only hibernation restores. */
  readonly #volatile = new Set<string>();
  #due: number | undefined;
  /** When the next window ends, during continuous changes. */
  #next: number | undefined;
  #rangAt = -Infinity;
  #release: (() => void) | undefined;
  /** Why the last save failed. Undefined if it succeeded. */
  failure: unknown;
  #failedSaves = 0;
  #retryAt = 0;
  /** Rows that could not be written at the last attempt, even alone. */
  readonly #stuck = new Set<Row>();
  #isSavingSoon = false;
  /** Whether the current or last save includes volatile rows. */
  #isWhole = false;
  /** Made when work first waits for it. */
  #calm: Calm | undefined;
  /** Writes what has to be stored with the first row, until that is done. */
  #preface: (() => void) | undefined;

  constructor(scope: PersistenceScope) {
    this.#scope = scope;
    this.#rows = scope.rows;
    this.#storage = scope.journal;
    this.#clock = scope.clock;
    this.#throttle = scope.throttle;
  }

  /**
   * Takes over the stored volatile rows, or deletes them if the room starts again.
   * @param preface writes what has to be stored with the first row
   */
  takeOver(keys: Iterable<string>, keep: boolean, preface: (() => void) | undefined): void {
    this.#preface = preface;
    for (const key of keys) {
      if (keep) this.#volatile.add(key);
      else this.discard(key);
    }
  }

  /** Deletes a row now, or with the next save if that fails, since a room must be able to start while storage fails. */
  discard(key: string): void {
    try {
      this.#storage.delete(key);
    } catch (error) {
      this.#rows.removed.add(key);
      this.#scope.failures.failed("save_failed", error);
    }
  }

  /** From now on, changes are saved. */
  open(): void {
    this.#rows.onUnsaved = (what) => this.#noted(what);
    if (this.#storage.atStart === this.#storage) this.#watch();
  }

  #noted(what: Unsaved): void {
    const isStored = what === "stored";
    const calm = isStored ? this.#calm : this.#watch();
    calm?.changed();
    if (isStored) this.schedule();
    else if (this.#throttle === 0) this.#scope.turns.want();
  }

  /** A row of the state is unsaved, or only the companion, which is not urgent. */
  schedule(what: "row" | "companion" = "row"): void {
    if (what === "companion" && !this.companion?.isUnsaved) return;
    if (this.#throttle > 0) {
      // An alarm would be useless.
      if (!this.#isSavingSoon) this.#saveIn(this.#throttle);
    } else if (what === "companion") this.#saveIn(COMPANION_DELAY);
    else this.#scope.turns.want();
  }

  /**
   * Saves as soon as the current handler awaits something or is done. Its changes until then become durable together
   * with its own writes to storage, since the runtime has not started another task by then.
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
   * With a throttle of 0, the changes of a turn are written before they are sent.
   * @param withCompanion whether to write the companion too, if only that is unsaved
   */
  endTurn(withCompanion = false): void {
    if (this.#throttle > 0) return;
    if (withCompanion || !this.#rows.isClean || this.#calm?.takesVolatile()) this.#saveDue();
  }

  due(): number | undefined {
    return this.#due ?? this.#next;
  }

  run(): void {
    this.#saveDue();
  }

  /**
   * The object is awake, so unsaved changes are saved now. During continuous changes the alarm is set for the next
   * window at once: setting it for the end of a session now and for the next change later would cost two rows.
   */
  rang(): void {
    const now = this.#clock.now();
    const hasChanges = this.#isDue;
    this.#saveDue();
    const goesOn = hasChanges && now - this.#rangAt <= 2 * this.#throttle;
    if (hasChanges) this.#rangAt = now;
    this.#next = goesOn ? now + this.#throttle : undefined;
  }

  /** Writes all unsaved changes, or none. Failed writes are repeated. */
  save(): void {
    if (!this.#saveAll(this.#calm?.takesVolatile() === true)) this.#saveSingly();
  }

  /** Writes all unsaved changes, including volatile rows, each row to its place. */
  flush(): void {
    if (!this.#saveAll(true)) this.#saveSingly();
    const problem = this.#foldAll();
    if (problem) this.#scope.failures.failed("save_failed", problem);
    if (!this.hasChanges) this.#calm?.stop();
  }

  /**
   * The same for rows that are useless without each other. They are written even if other rows fail.
   * @param belongs whether the row of a key is one of them
   * @returns false if none of them is written. A caller that undoes them has to save that
   */
  saveTogether(belongs: (key: string) => boolean): boolean {
    if (this.#saveAll(this.#calm?.takesVolatile() === true)) return true;
    const rows = this.#allRows().filter(({ key }) => belongs(key));
    if (!this.#saveSome(rows, this.#allRemoved().filter(belongs))) return false;
    this.#saveSingly();
    return true;
  }

  /** Whether something is not stored yet, or not in its place. */
  get hasChanges(): boolean {
    return this.#isDue || this.hasVolatile || !this.#storage.isEmpty;
  }

  /** Whether volatile rows are not written yet. */
  get hasVolatile(): boolean {
    return !this.#rows.isVolatileClean;
  }

  /** Whether there is something to save in time, however busy the room is. */
  get #isDue(): boolean {
    return !this.#rows.isClean || this.companion?.isUnsaved === true;
  }

  #watch(): Calm {
    this.#calm ??= new Calm(this.#scope, () => this.#failedSaves > 0 || this.save());
    this.#calm.watch();
    return this.#calm;
  }

  /** @returns the error, or undefined */
  #foldAll(): unknown {
    try {
      while (!this.#storage.isEmpty) this.#storage.fold();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  #allRows(): Row[] {
    const { unsaved, unsavedVolatile, log } = this.#rows;
    const rows = this.#isWhole ? unsaved.union(unsavedVolatile) : unsaved;
    return [...rows].filter((row) => row !== log);
  }

  #allRemoved(): string[] {
    const { removed, removedVolatile } = this.#rows;
    return this.#isWhole ? [...removed, ...removedVolatile] : [...removed];
  }

  /** @param isWhole whether to include volatile rows @returns whether everything is written */
  #saveAll(isWhole: boolean): boolean {
    this.#cancel();
    this.#isWhole = isWhole;
    const rows = this.#allRows();
    const removed = this.#allRemoved();
    const isNothing = rows.length + removed.length === 0 && !(isWhole && this.hasVolatile);
    if (isNothing && !this.companion?.isUnsaved) return this.#allSaved();
    const { log, unsavedVolatile } = this.#rows;
    const keys = [...rows.map(({ key }) => key), ...removed];
    try {
      this.#rows.isSavingAll = true;
      // Failing rows must not delay the others, so rows are written one by one meanwhile.
      this.#storage.save(this.#clock.now(), this.#failedSaves === 0 ? keys : [], () => {
        this.#write(rows, removed);
        // The log counts as written for the companion's `write`, as it does for its `saved`.
        if (log) unsavedVolatile.delete(log);
        this.companion?.write(isWhole || !this.hasVolatile);
      });
    } catch (error) {
      if (log) unsavedVolatile.add(log);
      this.#undone(rows, removed);
      this.failure = error;
      this.#scope.failures.failed("save_failed", error);
      return false;
    } finally {
      this.#rows.isSavingAll = false;
    }
    this.#preface = undefined;
    this.#rows.clear(isWhole);
    this.#rows.onSaved();
    this.companion?.saved(!this.hasVolatile);
    return this.#allSaved();
  }

  /** The rest waits until the room is calm. */
  #allSaved(): true {
    this.failure = undefined;
    this.#failedSaves = 0;
    if (this.hasVolatile || !this.#storage.isEmpty) this.#watch();
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
      if (this.#isWhole && this.#rows.unsavedVolatile.has(row)) this.#put(VOLATILE_PREFIX + row.key, row.read(false));
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

  /** One failing row must not prevent the others from being written. */
  #saveSingly(): void {
    // Otherwise rows of the journal are written into it, one by one.
    this.#foldAll();
    // Deletes an entry with all of its rows, or not at all.
    this.#saveSome([], this.#allRemoved());
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
    const isDone = this.#allRows().length + this.#allRemoved().length === 0;
    if (isDone && this.#try(() => this.companion?.write(!this.hasVolatile))) {
      this.companion?.saved(!this.hasVolatile);
      return void this.#allSaved();
    }
    const wait = backoff(this.#failedSaves++, FIRST_RETRY, LONGEST_RETRY);
    this.#retryAt = this.#clock.now() + wait;
    this.#saveIn(wait);
  }

  /** Saves as much as possible: failing rows do not delay the others, and are repeated later. */
  #saveDue(): void {
    const now = this.#clock.now();
    const wait = remaining(this.#retryAt, now, LONGEST_RETRY);
    if (this.#failedSaves === 0 || wait <= 0) return this.save();
    this.#retryAt = now + wait;
    const isDependent = this.dependents(this.#stuck);
    const rows = this.#allRows().filter((row) => !this.#stuck.has(row) && !isDependent(row.key));
    const removed = this.#allRemoved();
    if (rows.length + removed.length > 0) this.#saveSome(rows, removed);
    this.#rows.tried();
    if (this.#due === this.#retryAt) return;
    this.#cancel();
    this.#saveIn(wait);
  }

  /** @returns whether these rows are written: all of them, or none */
  #saveSome(rows: readonly Row[], removed: readonly string[]): boolean {
    if (!this.#try(() => this.#write(rows, removed))) {
      this.#undone(rows, removed);
      return false;
    }
    for (const row of rows) {
      this.#rows.unsaved.delete(row);
      if (this.#isWhole) this.#rows.unsavedVolatile.delete(row);
    }
    for (const key of removed) {
      this.#rows.removed.delete(key);
      this.#rows.removedVolatile.delete(key);
    }
    return true;
  }

  /** Nothing was written: the deleted volatile rows are there again. */
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

  /**
   * Sets the alarm and a timer, since an object with a timer does not hibernate with unsaved changes. If the alarm is
   * set for later, the timer is sufficient: unsaved changes do not outlive the memory, so there is nothing to wake for.
   */
  #saveIn(ms: number): void {
    const at = this.#clock.now() + ms;
    if (this.#due !== undefined && this.#due <= at) return;
    this.#cancel();
    this.#due = at;
    const isRung = this.#scope.alarms.armUnlessLater(this, at);
    this.#release = this.#clock.after(
      isRung ? ms + GRACE : ms,
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
