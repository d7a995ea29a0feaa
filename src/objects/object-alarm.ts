import { backoff } from "../platform/backoff.ts";
import type { Alarm, Clock } from "../platform/ports.ts";

const FIRST_RETRY = 1000;
const LONGEST_RETRY = 60_000;
/** An alarm that is set late is set at least this far ahead, in ms. */
const LEAST_DELAY = 10;

/** What an object's alarm needs of the platform. */
export interface AlarmScope {
  readonly clock: Clock;
  /** Sets the alarm of the platform. It may throw or reject: then nothing was set. */
  set(at: number): Promise<void>;
  /** When the alarm of the platform is set for; null if it is not set. */
  current(): Promise<number | null>;
  failed(error: unknown): void;
}

/**
 * Implements the port `Alarm`. What the core sets is set in the end: a call that fails is reported, and repeated with
 * backoff. A timer does that, so the object does not sleep before its alarm is set.
 *
 * Nothing is set before the first event has begun. If that is the alarm itself, the platform would take one that is
 * set earlier as a reason to cancel the event, and to ring again. And since each time that it is set costs a row, an
 * object that wakes first looks whether its alarm is set already: for the same time, or an earlier one.
 */
export class ObjectAlarm implements Alarm {
  readonly #scope: AlarmScope;
  /** When the core is to be called; undefined if it has not said so since the alarm rang last. */
  #due: number | undefined;
  /** Whether the alarm is set for now, only so that an event comes. */
  #isEarly = false;
  /** The time that is to be set, and is not known to be set. */
  #wanted: number | undefined;
  #isHeld = true;
  /** When the platform's alarm is set for, as far as it is known. */
  #stored = Infinity;
  #failures = 0;
  #cancel: (() => void) | undefined;

  constructor(scope: AlarmScope) {
    this.#scope = scope;
  }

  set(at: number): void {
    this.#due = at;
    // It is set when the early one has rung.
    if (!this.#isEarly) this.#set(at);
  }

  /** Rings as soon as possible, and then again when the core is to be called. */
  ringEarly(): void {
    this.#isEarly = true;
    this.#set(this.#scope.clock.now() + LEAST_DELAY);
  }

  /** The alarm rings. @returns whether it does so for the core, which sets it anew if it needs it */
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
    // Whatever woke the object, it is not held for longer than the constructor runs.
    this.#cancel = this.#scope.clock.after(0, () => this.open(), "alarm");
    void this.#look();
  }

  /** If it is not known in time when the alarm is set for, it is set anew. */
  async #look(): Promise<void> {
    try {
      this.#stored = (await this.#scope.current()) ?? Infinity;
    } catch {
      // The same as if it were not set.
    }
  }

  /** The first event has begun: what was set before is set now. */
  open(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#wait(undefined);
    if (this.#wanted === undefined) return;
    if (this.#wanted < this.#stored) void this.#store(this.#wanted);
    else this.#wanted = undefined;
  }

  /** The alarm is not set any more, nor is it to be. */
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

  /** @param cancel ends what is waited for now */
  #wait(cancel: (() => void) | undefined): void {
    this.#cancel?.();
    this.#cancel = cancel;
  }
}
