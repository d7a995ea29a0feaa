import type { CompiledRoom } from "../define/room.ts";
import { parseOwn } from "../define/schemas.ts";
import type { Scheduled } from "../define/types.ts";
import { RoomError } from "../protocol/errors.ts";
import { remaining } from "../platform/clock.ts";
import { backoff } from "../platform/backoff.ts";
import type { Alarms, Wakeable } from "./timing/alarms.ts";
import type { Persistence } from "./storage/persistence.ts";
import type { OwnRows, RoomPart } from "./timing/room-part.ts";
import type { Clock, Storage } from "../platform/ports.ts";
import { PRIVATE_PREFIX } from "./storage/keys.ts";

interface Entry extends Scheduled {
  /** Runs that failed in a row. */
  readonly failures: number;
}

const PREFIX = `${PRIVATE_PREFIX}schedule:`;
/** The least time between two runs of a schedule that sets itself again, in ms. */
const LEAST_SPACING = 1000;
const LONGEST_RETRY = 3_600_000;
const MAX_SCHEDULES = 1000;
/** A smaller number is a delay, a larger one a time in ms since 1970: this one is in 1973, or three years. */
const FIRST_TIME = 100_000_000_000;

/**
 * Named things to do later. Each is stored at once and deleted only after it ran, so it runs at least once, even if the
 * object dies in between. One that is overdue several times runs once. The state is stored with it: a crash must not
 * undo what a schedule has done, or why it was set.
 */
export class Schedules implements RoomPart, Wakeable {
  readonly #compiled: CompiledRoom;
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #run: (name: string, payload: unknown) => Promise<void>;
  readonly #alarms: Alarms;
  readonly #persistence: Persistence;
  readonly mayOverlap = true;
  readonly #entries = new Map<string, Entry>();
  readonly #running = new Set<Entry>();
  readonly #lastRun = new Map<string, number>();

  /**
   * @param run runs a schedule's handler; rejects with what it threw
   */
  constructor(
    compiled: CompiledRoom,
    storage: Storage,
    clock: Clock,
    alarms: Alarms,
    persistence: Persistence,
    run: (name: string, payload: unknown) => Promise<void>,
  ) {
    this.#compiled = compiled;
    this.#storage = storage;
    this.#clock = clock;
    this.#run = run;
    this.#alarms = alarms;
    this.#persistence = persistence;
  }

  load(rows: OwnRows): void {
    for (const [name, entry] of rows.of("schedule")) this.#entries.set(name, entry as Entry);
  }

  list(): readonly Scheduled[] {
    return [...this.#entries.values()].map(({ name, at, payload }) => ({ name, at, payload }));
  }

  /**
   * The payload is stored as it is, and parsed when it runs: the schema may be another one by then.
   * @throws RoomError if the definition has no such schedule, its payload does not match, the time is not valid, or there
   * are too many
   */
  set(name: string, when: number | Date, payload: unknown): void {
    const { schedules = {} } = this.#compiled.definition;
    if (!Object.hasOwn(schedules, name)) {
      throw new RoomError(
        "internal",
        `There is no schedule "${name}". There are: ${Object.keys(schedules).join(", ")}`,
      );
    }
    parseOwn(schedules[name]?.payload, payload, `The payload of "${name}"`);
    const given = typeof when === "number" ? when : when.getTime();
    if (!Number.isFinite(given) || given < 0)
      throw new RoomError("internal", `"${name}" needs a time, not ${String(when)}`);
    if (!this.#entries.has(name) && this.#entries.size >= MAX_SCHEDULES) {
      throw new RoomError("internal", `A room has ${MAX_SCHEDULES} schedules at most`);
    }
    const at = given < FIRST_TIME ? this.#clock.now() + given : given;
    this.#store({ name, at: Math.max(at, this.#earliest(name)), payload, failures: 0 });
    this.#alarms.arm(this);
  }

  unset(name: string): void {
    if (!this.#entries.has(name)) return;
    this.#storage.delete(PREFIX + name);
    this.#entries.delete(name);
    this.#persistence.saveSoon();
  }

  due(): number | undefined {
    let due: number | undefined;
    for (const entry of this.#entries.values()) {
      if (!this.#running.has(entry)) due = Math.min(due ?? Infinity, entry.at);
    }
    return due;
  }

  async run(now: number): Promise<void> {
    const due = Array.from(this.#entries.values()).filter((entry) => entry.at <= now && !this.#running.has(entry));
    await Promise.all(due.map((entry) => this.#runOne(entry)));
  }

  async #runOne(entry: Entry): Promise<void> {
    const { name, payload, failures } = entry;
    // A schedule that ran before may have unset it, or set it again.
    if (this.#entries.get(name) !== entry) return;
    this.#lastRun.set(name, this.#clock.now());
    this.#running.add(entry);
    this.#persistence.saveSoon();
    try {
      await this.#run(name, payload);
      // Unless it was set again meanwhile.
      if (this.#entries.get(name) === entry) this.unset(name);
    } catch {
      if (this.#entries.get(name) !== entry) return;
      const delay = backoff(failures, LEAST_SPACING, LONGEST_RETRY);
      this.#store({ ...entry, at: this.#clock.now() + delay, failures: failures + 1 });
    } finally {
      this.#running.delete(entry);
    }
  }

  #earliest(name: string): number {
    const now = this.#clock.now();
    return now + remaining((this.#lastRun.get(name) ?? -Infinity) + LEAST_SPACING, now, LEAST_SPACING);
  }

  #store(entry: Entry): void {
    this.#storage.put(PREFIX + entry.name, entry);
    this.#entries.set(entry.name, entry);
    this.#persistence.saveSoon();
  }
}
