import type { Alarm, Clock } from "../../platform/ports.ts";

/** A part of the room that wants to be woken. */
export interface Wakeable {
  /** When, in ms since 1970; undefined if not at all. */
  due(): number | undefined;
  /** It is due. A throw is retried with backoff. */
  run(now: number): void | Promise<void>;
}

/** An alarm set for now, from inside an alarm, can stall. */
const LEAST_DELAY = 10;
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 60_000;

/** The owner of the object's single alarm: parts say when they are due, the earliest wins. */
export class Alarms {
  readonly #alarm: Alarm;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #sleepers: Wakeable[] = [];
  readonly #retries = new Map<Wakeable, { at: number; delay: number }>();
  #armed = Infinity;

  constructor(alarm: Alarm, clock: Clock, onError: (error: unknown) => void) {
    this.#alarm = alarm;
    this.#clock = clock;
    this.#onError = onError;
  }

  register(...sleepers: Wakeable[]): void {
    this.#sleepers.push(...sleepers);
  }

  /**
   * Sets the alarm if something is due before it. One that is set too early stays: it costs nothing more,
   * while setting it again would cost a row.
   */
  arm(): void {
    const due = Math.min(...this.#sleepers.map((sleeper) => this.#dueOf(sleeper)));
    if (due >= this.#armed) return;
    this.#armed = due;
    this.#alarm.set(Math.max(due, this.#clock.now() + LEAST_DELAY));
  }

  /** The alarm rang: runs whatever is due, then sets it anew. */
  async ring(): Promise<void> {
    this.#armed = Infinity;
    const now = this.#clock.now();
    for (const sleeper of this.#sleepers) {
      if (this.#dueOf(sleeper) <= now) await this.#run(sleeper, now);
    }
    this.arm();
  }

  #dueOf(sleeper: Wakeable): number {
    return Math.max(sleeper.due() ?? Infinity, this.#retries.get(sleeper)?.at ?? 0);
  }

  async #run(sleeper: Wakeable, now: number): Promise<void> {
    try {
      await sleeper.run(now);
      this.#retries.delete(sleeper);
    } catch (error) {
      const delay = Math.min((this.#retries.get(sleeper)?.delay ?? FIRST_RETRY / 2) * 2, LONGEST_RETRY);
      this.#retries.set(sleeper, { at: now + delay, delay });
      this.#onError(error);
    }
  }
}
