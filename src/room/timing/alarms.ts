import { backoff } from "../../platform/backoff.ts";
import { within } from "../../platform/timeout.ts";
import type { Alarm, Clock, Failures } from "../../platform/ports.ts";
import type { RoomPart } from "./room-part.ts";

/** A part of the room that the alarm wakes. */
export type Wakeable = Required<Pick<RoomPart, "due" | "run">> & Pick<RoomPart, "rang" | "mayOverlap">;

/** The alarm is set at least this far ahead, in ms: one that is set for now while an alarm runs can stall. */
const LEAST_DELAY = 10;
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 60_000;
/** A run that takes longer than this counts as failed, in ms. Time limits inside parts are shorter. */
const LONGEST_RUN = 60_000;

/**
 * Shares the object's single alarm between parts: each says when it is due, and the alarm is set to the earliest time.
 * Parts run independently: one that takes long, or never ends, does not delay the others.
 */
export class Alarms {
  readonly #alarm: Alarm;
  readonly #clock: Clock;
  readonly #failures: Failures;
  readonly #hibernates: boolean;
  readonly #parts: Wakeable[] = [];
  readonly #retries = new Map<Wakeable, { readonly at: number; readonly failures: number }>();
  /** Runs that are not done, with their parts. */
  readonly #running = new Map<Promise<void>, Wakeable>();
  #armed = Infinity;

  /** @param hibernates whether sockets of the room are held by the platform while it sleeps */
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
   * Sets the alarm for a part that may have become due earlier. An alarm that is set too early stays, since setting it
   * again would cost a row.
   */
  arm(part: Wakeable, due = part.due()): void {
    this.#setBy(this.#dueOf(part, due));
  }

  /**
   * The same for a part that has a timer as well. Where the alarm is set for later, it would have to be set for the part
   * now, and then again for what is later: two rows. Not in a room that does not hibernate: under a development server its
   * sockets lead to the old code until an event reaches the new one, and the alarm may be the only one.
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
   * not ring again while it waits for this.
   * @param started resolves when the room can handle events
   */
  async ring(started?: Promise<unknown>): Promise<void> {
    // What is due now is run now: the alarm is not set for it.
    this.#armed = -Infinity;
    if (started) await started;
    for (const part of this.#parts) part.rang?.();
    this.#runDue();
    this.#armed = Infinity;
    // The alarm is set for the other parts before anything is awaited, in case the object dies meanwhile. If there are
    // no others, the runtime itself repeats an alarm that was not done.
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
