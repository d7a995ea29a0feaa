import type { CompiledRoom } from "../define/room.ts";
import { parseOwn } from "../define/schemas.ts";
import type { Scheduled, ScheduleOptions } from "../define/types.ts";
import { RoomError } from "../protocol/errors.ts";
import { remaining } from "../platform/clock.ts";
import { backoff } from "../platform/backoff.ts";
import type { Alarms, Wakeable } from "./timing/alarms.ts";
import type { Persistence } from "./storage/persistence.ts";
import type { OwnRows, RoomPart } from "./timing/room-part.ts";
import type { Clock, Storage } from "../platform/ports.ts";
import { PRIVATE_PREFIX } from "./storage/keys.ts";
import { MAX_KEY } from "../state/value-checks.ts";

interface Entry extends Scheduled {
  /** Runs that failed in a row. */
  readonly failures: number;
}

/** The least time between two runs of a schedule that sets itself again, in ms. */
const LEAST_SPACING = 1000;
const LONGEST_RETRY = 3_600_000;
const MAX_SCHEDULES = 1000;
/** Three years: a larger number is meant as a time in ms since 1970, which it was taken for in earlier versions. */
const LONGEST_DELAY = 100_000_000_000;

/**
 * Named things to do later. Each is stored at once and deleted only after it ran, so it runs at least once, even if the
 * object dies in between. One that is overdue several times runs once. The state is stored with it: a crash must not
 * undo what a schedule has done, or why it was set.
 */
export class Schedules implements RoomPart, Wakeable {
  readonly #compiled: CompiledRoom;
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #run: (scheduled: Scheduled) => Promise<void>;
  readonly #alarms: Alarms;
  readonly #persistence: Persistence;
  readonly mayOverlap = true;
  /** By their rows. */
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
    run: (scheduled: Scheduled) => Promise<void>,
  ) {
    this.#compiled = compiled;
    this.#storage = storage;
    this.#clock = clock;
    this.#run = run;
    this.#alarms = alarms;
    this.#persistence = persistence;
  }

  load(rows: OwnRows): void {
    for (const [, value] of [...rows.of("schedule"), ...rows.of("keyed")]) {
      const entry = value as Entry;
      this.#entries.set(rowOf(entry.name, entry.key), entry);
    }
  }

  list(): readonly Scheduled[] {
    return [...this.#entries.values()].map(({ name, key, at, payload }) => ({ name, key, at, payload }));
  }

  /**
   * The payload is stored as it is, and parsed when it runs: the schema may be another one by then.
   * @throws RoomError if the definition has no such schedule, its payload does not match, the time or the key is not
   * valid, or there are too many
   */
  set(name: string, when: number | Date, payload?: unknown, { key }: ScheduleOptions = {}): void {
    const { schedules = {} } = this.#compiled.definition;
    if (!Object.hasOwn(schedules, name)) {
      throw new RoomError(
        "internal",
        `There is no schedule "${name}". There are: ${Object.keys(schedules).join(", ")}`,
      );
    }
    parseOwn(schedules[name]?.payload, payload, `The payload of "${name}"`);
    const time = this.#timeOf(name, when);
    if (key !== undefined && !isKey(key)) {
      throw new RoomError("internal", `A key of "${name}" has to have 1 to ${MAX_KEY} well-formed characters`);
    }
    const row = rowOf(name, key);
    if (!this.#entries.has(row) && this.#entries.size >= MAX_SCHEDULES) {
      throw new RoomError("internal", `A room may have up to ${MAX_SCHEDULES} schedules`);
    }
    const at = Math.max(time, this.#clock.now(), this.#earliest(row));
    this.#store({ name, ...(key !== undefined && { key }), at, payload, failures: 0 });
    this.#alarms.arm(this);
  }

  unset(name: string, { key }: ScheduleOptions = {}): void {
    const row = rowOf(name, key);
    if (!this.#entries.has(row)) return;
    this.#storage.delete(row);
    this.#entries.delete(row);
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
    const row = rowOf(entry.name, entry.key);
    // A schedule that ran before may have unset it, or set it again.
    if (this.#entries.get(row) !== entry) return;
    this.#ran(row);
    this.#running.add(entry);
    this.#persistence.saveSoon();
    try {
      await this.#run(entry);
      // Unless it was set again meanwhile.
      if (this.#entries.get(row) === entry) this.unset(entry.name, entry);
    } catch {
      if (this.#entries.get(row) !== entry) return;
      const delay = backoff(entry.failures, LEAST_SPACING, LONGEST_RETRY);
      this.#store({ ...entry, at: this.#clock.now() + delay, failures: entry.failures + 1 });
    } finally {
      this.#running.delete(entry);
    }
  }

  /** @throws RoomError if it is none, or a number that is meant as a time */
  #timeOf(name: string, when: number | Date): number {
    const isDelay = typeof when === "number";
    const time = isDelay ? this.#clock.now() + Math.max(when, 0) : Number(when);
    if (Number.isFinite(time) && !(isDelay && when >= LONGEST_DELAY)) return time;
    throw new RoomError(
      "internal",
      `"${name}" needs a delay in ms, or a Date, not ${String(when)}: for a time write new Date(ms)`,
    );
  }

  /** Notes that a schedule runs. What ran long ago does not matter any more. */
  #ran(row: string): void {
    if (this.#lastRun.size > MAX_SCHEDULES) this.#lastRun.clear();
    this.#lastRun.set(row, this.#clock.now());
  }

  #earliest(row: string): number {
    const now = this.#clock.now();
    return now + remaining((this.#lastRun.get(row) ?? -Infinity) + LEAST_SPACING, now, LEAST_SPACING);
  }

  #store(entry: Entry): void {
    const row = rowOf(entry.name, entry.key);
    this.#storage.put(row, entry);
    this.#entries.set(row, entry);
    this.#persistence.saveSoon();
  }
}

/** Where a schedule is stored. Names and keys may hold any character. */
function rowOf(name: string, key: string | undefined): string {
  return PRIVATE_PREFIX + (key === undefined ? `schedule:${name}` : `keyed:${name.length}:${name}${key}`);
}

function isKey(key: unknown): boolean {
  return typeof key === "string" && key !== "" && key.length <= MAX_KEY && key.isWellFormed();
}
