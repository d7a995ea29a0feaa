import { backoff } from "../../platform/backoff.ts";
import { within } from "../../platform/timeout.ts";
import type { Alarm, Clock, Failures } from "../../platform/ports.ts";
import type { RoomPart } from "./room-part.ts";

/** A part of the room with scheduled work. */
export type Wakeable = Required<Pick<RoomPart, "due" | "run">> & Pick<RoomPart, "rang" | "mayOverlap">;

/** The alarm is set at least this far ahead, in ms, since an alarm that is set for now while another runs can stall. */
const LEAST_DELAY = 10;
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 60_000;
/** The timeout of a run, in ms. Time limits inside of parts are shorter. */
const LONGEST_RUN = 60_000;

/**
 * Shares the object's single alarm between parts. Each returns when it is due, and the alarm is set for the earliest
 * time. Parts run independently, so a slow one does not delay the others.
 */
export class Alarms {
  readonly #alarm: Alarm;
  readonly #clock: Clock;
  readonly #failures: Failures;
  readonly #hibernates: boolean;
  readonly #parts: Wakeable[] = [];
  readonly #retries = new Map<Wakeable, { readonly at: number; readonly failures: number }>();
  /** Unfinished runs, with their parts. */
  readonly #running = new Map<Promise<void>, Wakeable>();
  #armed = Infinity;

  /** @param hibernates whether the platform holds the room's sockets during hibernation */
  constructor(alarm: Alarm, clock: Clock, failures: Failures, hibernates: boolean) {
    this.#hibernates = hibernates;
    this.#alarm = alarm;
    this.#clock = clock;
    this.#failures = failures;
  }

  register(...parts: Wakeable[]): void {
    this.#parts.push(...parts);
  }

  /**
   * Sets the alarm for a part that may be due earlier. An alarm that is too early is kept, since setting it again would
   * cost a row.
   */
  arm(part: Wakeable, due = part.due()): void {
    this.#setBy(this.#dueOf(part, due));
  }

  /**
   * The same for a part that also has a timer. If the alarm is set for later, setting it for the part now and for later
   * again would cost two rows. Not in a room without hibernation: in a development server its sockets lead to the old
   * code until the new one gets an event, which may be only the alarm.
   * @returns whether the alarm rings for the part
   */
  armUnlessLater(part: Wakeable, due: number): boolean {
    const isSetForLater = this.#hibernates && this.#armed > due && this.#armed !== Infinity;
    if (!isSetForLater) this.arm(part, due);
    return !isSetForLater;
  }

  /** Sets the alarm for all parts. */
  armAll(): void {
    this.#setBy(Math.min(...this.#parts.map((part) => this.#dueOf(part))));
  }

  /**
   * The alarm rang: runs all parts that are due, and those that become due until all runs are done. The runtime does
   * not ring again before this resolves.
   * @param started resolves when the room can handle events
   */
  async ring(started?: Promise<unknown>): Promise<void> {
    // Due work runs now, so the alarm is not set for it.
    this.#armed = -Infinity;
    if (started) await started;
    for (const part of this.#parts) part.rang?.();
    this.#runDue();
    this.#armed = Infinity;
    // The alarm is set for the other parts before anything is awaited, in case the object crashes. If there are none,
    // the runtime itself repeats an unfinished alarm.
    for (this.armAll(); this.#running.size > 0; this.armAll()) {
      await this.#untilDoneOrDue();
      this.#runDue();
    }
  }

  /** Waits until a run is done, or another part is due. */
  async #untilDoneOrDue(): Promise<void> {
    const { promise: due, resolve } = Promise.withResolvers<void>();
    const next = Math.min(...this.#parts.map((part) => this.#dueOf(part)));
    const wait = Math.max(next - this.#clock.now(), LEAST_DELAY);
    const cancel = next === Infinity ? undefined : this.#clock.after(wait, resolve, "alarm");
    await Promise.race([due, ...this.#running.keys()]);
    cancel?.();
  }

  #setBy(due: number): void {
    if (due >= this.#armed) return;
    this.#armed = due;
    this.#alarm.set(Math.max(due, this.#clock.now() + LEAST_DELAY));
  }

  #dueOf(part: Wakeable, due = part.due()): number {
    if (!part.mayOverlap && this.#isRunning(part)) return Infinity;
    return Math.max(due ?? Infinity, this.#retries.get(part)?.at ?? 0);
  }

  #isRunning(part: Wakeable): boolean {
    return this.#running.size > 0 && [...this.#running.values()].includes(part);
  }

  #runDue(): void {
    const now = this.#clock.now();
    for (const part of this.#parts) if (this.#dueOf(part) <= now) this.#run(part, now);
  }

  #run(part: Wakeable, now: number): void {
    try {
      const pending = part.run(now);
      if (!pending) return void this.#retries.delete(part);
      const done = this.#wait(part, pending).finally(() => this.#running.delete(done));
      this.#running.set(done, part);
    } catch (error) {
      this.#failed(part, error);
    }
  }

  async #wait(part: Wakeable, pending: Promise<void>): Promise<void> {
    try {
      await within(LONGEST_RUN, pending, tookTooLong, this.#clock);
      this.#retries.delete(part);
    } catch (error) {
      this.#failed(part, error);
    }
  }

  #failed(part: Wakeable, error: unknown): void {
    const failures = this.#retries.get(part)?.failures ?? 0;
    const at = this.#clock.now() + backoff(failures, FIRST_RETRY, LONGEST_RETRY);
    this.#retries.set(part, { at, failures: failures + 1 });
    this.#failures.failed("alarm_failed", error);
  }
}

function tookTooLong(): Error {
  return new Error(`It was not done in ${LONGEST_RUN / 1000} seconds`);
}
