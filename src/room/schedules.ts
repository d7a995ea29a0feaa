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
  /** The number of consecutive failed runs. */
  readonly failures: number;
}

/** The minimum time between two runs of a schedule that sets itself again, in ms. */
const LEAST_SPACING = 1000;
const LONGEST_RETRY = 3_600_000;
const MAX_SCHEDULES = 1000;
/** About three years. A larger number is probably a time in ms since 1970, which earlier versions accepted. */
const LONGEST_DELAY = 100_000_000_000;

/**
 * The scheduled tasks of a room. Each is stored at once, and deleted only after it ran, so it runs at least once, even
 * after a crash. A task that is overdue several times runs once. It is stored together with the state, so that a crash
 * does not undo the effect or the reason of a task.
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

  /** @param run runs the handler of a task, and rejects with its error */
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
   * The payload is stored as it was given, and parsed when it runs, since the schema may have changed by then.
   * @throws RoomError if the definition has no such task, the payload does not match, the time or the key is malformed,
   * or there are too many
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
    const due = [...this.#entries.values()].filter((entry) => entry.at <= now && !this.#running.has(entry));
    await Promise.all(due.map((entry) => this.#runOne(entry)));
  }

  async #runOne(entry: Entry): Promise<void> {
    const row = rowOf(entry.name, entry.key);
    // An earlier task may have cancelled or replaced it.
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

  /** @throws RoomError if it is neither, or a number that looks like a time */
  #timeOf(name: string, when: number | Date): number {
    const isDelay = typeof when === "number";
    const time = isDelay ? this.#clock.now() + Math.max(when, 0) : Number(when);
    if (Number.isFinite(time) && !(isDelay && when >= LONGEST_DELAY)) return time;
    throw new RoomError(
      "internal",
      `"${name}" needs a delay in ms, or a Date, not ${String(when)}: for a time write new Date(ms)`,
    );
  }

  /** Remembers when a task ran. Old runs do not matter. */
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

/** The row of a task. Names and keys may contain any character. */
function rowOf(name: string, key: string | undefined): string {
  return PRIVATE_PREFIX + (key === undefined ? `schedule:${name}` : `keyed:${name.length}:${name}${key}`);
}

function isKey(key: unknown): boolean {
  return typeof key === "string" && key !== "" && key.length <= MAX_KEY && key.isWellFormed();
}
