import { backoff } from "../../platform/backoff.ts";
import type { Alarm, Clock, Failures } from "../../platform/ports.ts";
import type { RoomPart } from "./room-part.ts";

/** A part of the room that wants to be woken. */
export type Wakeable = Required<Pick<RoomPart, "due" | "run">> & Pick<RoomPart, "rang">;

/** An alarm set for now, from inside an alarm, can stall. */
const LEAST_DELAY = 10;
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 60_000;

/** The owner of the object's single alarm: parts say when they are due, the earliest wins. */
export class Alarms {
  readonly #alarm: Alarm;
  readonly #clock: Clock;
  readonly #failures: Failures;
  readonly #parts: Wakeable[] = [];
  readonly #retries = new Map<Wakeable, { readonly at: number; readonly failures: number }>();
  #armed = Infinity;

  constructor(alarm: Alarm, clock: Clock, failures: Failures) {
    this.#alarm = alarm;
    this.#clock = clock;
    this.#failures = failures;
  }

  register(...parts: Wakeable[]): void {
    this.#parts.push(...parts);
  }

  /**
   * A part may be due at another time than before: sets the alarm, if that is before it. One that is set too early
   * stays: it costs nothing more, while setting it again would cost a row.
   */
  arm(part: Wakeable): void {
    this.#setBy(this.#dueOf(part));
  }

  /** The same for all parts. */
  armAll(): void {
    this.#setBy(Math.min(...this.#parts.map((part) => this.#dueOf(part))));
  }

  /** The alarm rang: runs whatever is due, then sets it anew. */
  async ring(): Promise<void> {
    for (const part of this.#parts) part.rang?.();
    this.#armed = Infinity;
    const now = this.#clock.now();
    for (const part of this.#parts) {
      if (this.#dueOf(part) <= now) await this.#run(part, now);
    }
    this.armAll();
  }

  #setBy(due: number): void {
    if (due >= this.#armed) return;
    this.#armed = due;
    this.#alarm.set(Math.max(due, this.#clock.now() + LEAST_DELAY));
  }

  #dueOf(part: Wakeable): number {
    return Math.max(part.due() ?? Infinity, this.#retries.get(part)?.at ?? 0);
  }

  async #run(part: Wakeable, now: number): Promise<void> {
    try {
      await part.run(now);
      this.#retries.delete(part);
    } catch (error) {
      const failures = this.#retries.get(part)?.failures ?? 0;
      this.#retries.set(part, { at: now + backoff(failures, FIRST_RETRY, LONGEST_RETRY), failures: failures + 1 });
      this.#failures.failed("alarm_failed", error);
    }
  }
}
