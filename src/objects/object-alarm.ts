import { backoff } from "../platform/backoff.ts";
import type { Alarm, Clock } from "../platform/ports.ts";

const FIRST_RETRY = 1000;
const LONGEST_RETRY = 60_000;
/** An alarm whose time has passed is set at least this far ahead, in ms. */
const LEAST_DELAY = 10;

/** The parts of the platform that an object's alarm needs. */
export interface AlarmScope {
  readonly clock: Clock;
  /** Sets the alarm of the platform. If it throws or rejects, nothing was set. */
  set(at: number): Promise<void>;
  /** The time of the platform's alarm. Null if it is not set. */
  current(): Promise<number | null>;
  failed(error: unknown): void;
}

/**
 * Implements the port `Alarm`. A time that the core sets is always set in the end: a failed call is reported, and
 * repeated with backoff. A timer does that, so the object does not hibernate before its alarm is set.
 *
 * Nothing is set before the first event has begun. If that event is the alarm itself, the platform would cancel it when
 * an earlier time is set, and ring again. Since each setting costs a row, an object that wakes first checks whether its
 * alarm is already set for the same time or an earlier one.
 */
export class ObjectAlarm implements Alarm {
  readonly #scope: AlarmScope;
  /** When the core has to be called. Undefined if it has not asked for that since the last alarm. */
  #due: number | undefined;
  /** Whether the alarm is set for now, only to cause an event. */
  #isEarly = false;
  /** The time that has to be set, until it is known to be set. */
  #wanted: number | undefined;
  #isHeld = true;
  /** The time of the platform's alarm, as far as it is known. */
  #stored = Infinity;
  #failures = 0;
  #cancel: (() => void) | undefined;

  constructor(scope: AlarmScope) {
    this.#scope = scope;
  }

  set(at: number): void {
    this.#due = at;
    // The time is set after the early alarm has rung.
    if (!this.#isEarly) this.#set(at);
  }

  /** Rings as soon as possible, and again when the core has to be called. */
  ringEarly(): void {
    this.#isEarly = true;
    this.#set(this.#scope.clock.now() + LEAST_DELAY);
  }

  /** The alarm rings. @returns whether the core has to be called. The core sets it again if it needs it */
  rings(): boolean {
    const due = this.#due ?? 0;
    const isForCore = !this.#isEarly || due <= this.#scope.clock.now();
    this.forget();
    if (!isForCore) this.set(due);
    return isForCore;
  }

  #set(at: number): void {
    this.#wanted = at;
    if (!this.#isHeld) {
      void this.#store(at);
      return;
    }
    if (this.#cancel) return;
    // In any case the object waits only until the constructor has run.
    this.#cancel = this.#scope.clock.after(0, () => this.open(), "alarm");
    void this.#look();
  }

  /** If the time of the platform's alarm is not known in time, the alarm is set again. */
  async #look(): Promise<void> {
    try {
      this.#stored = (await this.#scope.current()) ?? Infinity;
    } catch {
      // Continue as if it were not set.
    }
  }

  /** The first event has begun: sets what was postponed. */
  open(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#wait(undefined);
    if (this.#wanted === undefined) return;
    if (this.#wanted < this.#stored) void this.#store(this.#wanted);
    else this.#wanted = undefined;
  }

  /** The alarm was deleted, and must not be set again. */
  forget(): void {
    this.#isHeld = this.#isEarly = false;
    this.#due = undefined;
    this.#wanted = undefined;
    this.#wait(undefined);
  }

  async #store(at: number): Promise<void> {
    const { clock } = this.#scope;
    try {
      await this.#scope.set(at);
    } catch (error) {
      this.#scope.failed(error);
      if (this.#wanted !== at) return;
      const retry = () => this.#wanted === at && this.#set(Math.max(at, clock.now() + LEAST_DELAY));
      this.#wait(clock.after(backoff(this.#failures++, FIRST_RETRY, LONGEST_RETRY), retry, "alarm"));
      return;
    }
    this.#failures = 0;
    if (this.#wanted !== at) return;
    this.#wanted = undefined;
    this.#wait(undefined);
  }

  /** @param cancel stops the current wait */
  #wait(cancel: (() => void) | undefined): void {
    this.#cancel?.();
    this.#cancel = cancel;
  }
}
