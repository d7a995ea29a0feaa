import type { Clock, Failures } from "../../platform/ports.ts";
import type { Rows } from "../../state/rows.ts";
import { CALM } from "./journal.ts";
import type { Journal } from "./journal.ts";

/** How often to check, in ms; the time between two steps of folding the journal; and after a failed step. */
const LOOK = 500;
const PAUSE = 10;
const AFTER_FAILURE = 60_000;
/**
 * How long a room has to be calm before preparing for hibernation is worthwhile, in ms. Shorter than the time between
 * two checks.
 */
const MOMENT = 400;

/** The parts of the room that the waiting work needs. */
export interface CalmScope {
  readonly clock: Clock;
  readonly rows: Rows;
  readonly journal: Journal;
  readonly failures: Failures;
  /** The time between two saves, in ms. */
  readonly throttle: number;
  /** Whether the platform may hibernate the room when nothing is running. */
  maySleep(): boolean;
}

/**
 * Work that waits until the room is calm: volatile rows are written, and the journal is folded. It checks with a timer,
 * so the room does not hibernate before that is done.
 */
export class Calm {
  readonly #scope: CalmScope;
  readonly #save: () => void;
  #hasChanged = false;
  /** Nothing has changed since then, except for {@link #hasChanged}. */
  #since: number;
  #changedAt = -Infinity;
  /** Whether the room was calm before this turn. */
  #wasCalm = true;
  #cancel: (() => void) | undefined;

  /** @param save writes unsaved rows, including volatile ones */
  constructor(scope: CalmScope, save: () => void) {
    this.#scope = scope;
    this.#save = save;
    this.#since = scope.clock.now();
  }

  /** Something changed. */
  changed(): void {
    const now = this.#scope.clock.now();
    // The clock does not advance during a turn.
    if (now !== this.#changedAt) this.#wasCalm = now - this.#changedAt > CALM;
    this.#changedAt = now;
    this.#hasChanged = true;
  }

  /**
   * Whether to write volatile rows with the next save: the room could hibernate, and is not changing continuously. With
   * a throttle of 0 it may hibernate right after this turn.
   */
  takesVolatile(): boolean {
    const { rows, journal } = this.#scope;
    if (rows.isVolatileClean || !journal.isEmpty || !this.#scope.maySleep()) return false;
    return this.#ms >= MOMENT || (this.#scope.throttle === 0 && this.#wasCalm);
  }

  /** Checks later, if there is something to do. */
  watch(ms = LOOK): void {
    if (this.#scope.rows.isVolatileClean && this.#scope.journal.isEmpty) return;
    this.#cancel ??= this.#scope.clock.after(ms, () => this.#look(), "calm");
  }

  /** There is nothing left to do. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** How long nothing has changed, in ms: at least, or 0. */
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

  /** Folds a part of the journal. @returns when to continue, in ms */
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
