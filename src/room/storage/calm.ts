import type { Clock, Failures } from "../../platform/ports.ts";
import type { Rows } from "../../state/rows.ts";
import { CALM } from "./journal.ts";
import type { Journal } from "./journal.ts";

/** How often it looks, in ms; between two steps of folding the journal; and after one that failed. */
const LOOK = 500;
const PAUSE = 10;
const AFTER_FAILURE = 60_000;
/** So long has a room to be calm before anything is worth doing for a sleep, in ms. Less than between two looks. */
const MOMENT = 400;

/** What it takes to do what waits. */
export interface CalmScope {
  readonly clock: Clock;
  readonly rows: Rows;
  readonly journal: Journal;
  readonly failures: Failures;
  /** The time between two saves, in ms. */
  readonly throttle: number;
  /** Whether the platform may put the room to sleep, once nothing goes on. */
  maySleep(): boolean;
}

/**
 * What waits until the room is calm: volatile rows are written, and the journal is folded. It looks now and then, with
 * a timer, so the room does not sleep before that is done.
 */
export class Calm {
  readonly #scope: CalmScope;
  readonly #save: () => void;
  #hasChanged = false;
  /** Nothing has changed since then, but for what {@link #hasChanged} says. */
  #since: number;
  #changedAt = -Infinity;
  /** Whether the room was not busy before the present turn. */
  #wasCalm = true;
  #cancel: (() => void) | undefined;

  /** @param save writes what is unsaved, volatile rows too */
  constructor(scope: CalmScope, save: () => void) {
    this.#scope = scope;
    this.#save = save;
    this.#since = scope.clock.now();
  }

  /** Something changed. */
  changed(): void {
    const now = this.#scope.clock.now();
    // In one turn the clock stands still.
    if (now !== this.#changedAt) this.#wasCalm = now - this.#changedAt > CALM;
    this.#changedAt = now;
    this.#hasChanged = true;
  }

  /**
   * Whether volatile rows are to be written with the next save: the room could sleep, and is not in the midst of changes.
   * With a throttle of 0 it may sleep right after the present turn.
   */
  takesVolatile(): boolean {
    const { rows, journal } = this.#scope;
    if (rows.isVolatileClean || !journal.isEmpty || !this.#scope.maySleep()) return false;
    return this.#ms >= MOMENT || (this.#scope.throttle === 0 && this.#wasCalm);
  }

  /** Looks later, if something waits. */
  watch(ms = LOOK): void {
    if (this.#scope.rows.isVolatileClean && this.#scope.journal.isEmpty) return;
    this.#cancel ??= this.#scope.clock.after(ms, () => this.#look(), "calm");
  }

  /** Nothing waits any more. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** For how long nothing has changed, in ms: at least, or 0. */
  get #ms(): number {
    return this.#hasChanged ? 0 : this.#scope.clock.now() - this.#since;
  }

  #look(): void {
    const { rows, journal, clock } = this.#scope;
    this.#cancel = undefined;
    const ms = rows.isClean ? this.#ms : 0;
    if (this.#hasChanged) this.#since = clock.now();
    this.#hasChanged = false;
    rows.tried();
    if (journal.isFull || (ms >= CALM && !journal.isEmpty)) return this.watch(this.#fold());
    if (ms > 0 && this.takesVolatile()) this.#save();
    this.watch();
  }

  /** Folds a part of the journal. @returns when to go on, in ms */
  #fold(): number {
    try {
      this.#scope.journal.fold();
      return PAUSE;
    } catch (error) {
      this.#scope.failures.failed("save_failed", error);
      return AFTER_FAILURE;
    }
  }
}
