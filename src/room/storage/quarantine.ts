import type { Quarantined, RoomQuarantine } from "../../define/quarantine.ts";
import { isPlain, jsonLength } from "../../protocol/values.ts";
import { encodeKey, VOLATILE_PREFIX } from "../../state/rows.ts";
import type { Clock, Failures, Storage } from "../../platform/ports.ts";
import { under } from "./state-rows.ts";
import { keyForLog, PRIVATE_PREFIX, QUARANTINE_PREFIX as PREFIX } from "./keys.ts";

/** A start that finds more does not happen: a migration is missing then. Nor are more written to the log. */
const MOST_AT_ONCE = 100;
/** Of more than these, or of more characters of JSON in all, the oldest go, until a tenth is free. */
const MOST_KEPT = 10_000;
const MOST_SIZE = 16_000_000;

interface Found {
  readonly key: string;
  readonly value: unknown;
  readonly error: unknown;
}

/**
 * Stored values that cannot be read. Each is moved to a row of its own, so that nothing is lost and the room runs.
 * What a start finds is moved at its end, all at once: one that fails changes nothing.
 */
export class Quarantine implements RoomQuarantine {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #failures: Failures;
  #found: Found[] = [];
  #isStarting = true;
  #tooMany: Error | undefined;
  /** The sizes of all that are kept, the oldest first, in characters; undefined until that matters. */
  #kept: Map<string, number> | undefined;
  #reported = 0;

  /** @param failures gets each value that could not be read, with the reason */
  constructor(storage: Storage, clock: Clock, failures: Failures) {
    this.#storage = storage;
    this.#clock = clock;
    this.#failures = failures;
  }

  /** Whether all could be read so far. */
  get isEmpty(): boolean {
    return this.#found.length === 0;
  }

  list(): Quarantined[] {
    const rows = [...this.#storage.list(under(PREFIX))].map(([, value]) => value as Quarantined);
    return rows.toSorted((a, b) => a.at - b.at);
  }

  delete(key: string): void {
    this.#storage.delete(PREFIX + key);
    this.#kept?.delete(key);
  }

  /** Deletes what is of a user. @param row the key of their row; undefined where the state has no users */
  deleteOf(publicId: string, row: string | undefined): void {
    const keys: string[] = [];
    for (const [, quarantined] of this.#storage.list(under(PREFIX))) {
      const { key, value } = quarantined as Quarantined;
      const isOfSession = isPlain(value) && value["publicId"] === publicId;
      if (isOfSession || (row !== undefined && (key === row || key.startsWith(`${row}.`)))) keys.push(key);
    }
    for (const key of keys) this.delete(key);
  }

  /** A row, or a value by the names that lead to it. @throws Error if a start finds too many */
  take(place: string | readonly string[], value: unknown, error: unknown): void {
    const key = typeof place === "string" ? place : encodeKey(place);
    this.#found.push({ key, value, error });
    if (!this.#isStarting) this.move();
    else if (this.#found.length > MOST_AT_ONCE) {
      const what = `More than ${MOST_AT_ONCE} stored values cannot be read, as in "${keyForLog(key)}": is a migration missing?`;
      throw (this.#tooMany ??= new Error(what, { cause: error }));
    }
  }

  /** The room has started: from now on values are moved at once. */
  open(): void {
    this.#isStarting = false;
    this.move();
  }

  /** Moves what was found. @param alongside what else to write, all of it or nothing */
  move(alongside?: () => void): void {
    const found = this.#found;
    if (found.length === 0 && !alongside) return;
    this.#storage.transaction(() => {
      for (const one of found) this.#moveOne(one);
      if (found.length > 0) this.#bound(found);
      alongside?.();
    });
    this.#found = [];
    for (const { key, error } of found) {
      if (this.#reported++ < MOST_AT_ONCE) this.#failures.failed("quarantined", error, { key: keyForLog(key) });
    }
  }

  #moveOne({ key, value, error }: Found): void {
    const reason = error instanceof Error ? error.message : String(error);
    const quarantined: Quarantined = { key, value, reason, at: this.#clock.now() };
    try {
      this.#storage.put(PREFIX + key, quarantined);
    } catch (cause) {
      // It may be too large by now: then it stays where it is, as long as nothing takes its place.
      this.#failures.failed("quarantine_failed", cause, { key: keyForLog(key) });
      return;
    }
    this.#storage.delete(key);
    // What was stored inside an entry is part of its value.
    if (!isPlain(value) || key.startsWith(PRIVATE_PREFIX)) return;
    this.#storage.delete(VOLATILE_PREFIX + key);
    for (const prefix of [`${key}.`, `${VOLATILE_PREFIX}${key}.`]) {
      for (const [row] of Array.from(this.#storage.list(under(prefix)))) this.#storage.delete(row);
    }
  }

  /** What was just found stays in any case: nobody has seen it yet. */
  #bound(found: readonly Found[]): void {
    const latest = new Map(found.map(({ key, value }) => [key, jsonLength(value)]));
    const kept = new Map([...(this.#kept ?? this.#sizes())].filter(([key]) => !latest.has(key)));
    let count = kept.size + latest.size;
    let size = [...kept.values(), ...latest.values()].reduce((sum, one) => sum + one, 0);
    const isTooMuch = count > MOST_KEPT || size > MOST_SIZE;
    for (const [key, one] of isTooMuch ? kept : []) {
      if (count <= MOST_KEPT * 0.9 && size <= MOST_SIZE * 0.9) break;
      this.#storage.delete(PREFIX + key);
      kept.delete(key);
      count--;
      size -= one;
    }
    this.#kept = new Map([...kept, ...latest]);
  }

  /** Read one by one: all of them may be more than memory holds. */
  #sizes(): Map<string, number> {
    const rows: (readonly [key: string, at: number, size: number])[] = [];
    for (const [, row] of this.#storage.list(under(PREFIX))) {
      const { key, at, value } = row as Quarantined;
      rows.push([key, at, jsonLength(value)]);
    }
    return new Map(rows.toSorted(([, a], [, b]) => a - b).map(([key, , size]) => [key, size]));
  }
}
