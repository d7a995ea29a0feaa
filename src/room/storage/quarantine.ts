import type { Quarantined, RoomQuarantine } from "../../define/quarantine.ts";
import { messageOf } from "../../protocol/errors.ts";
import { isPlain, jsonLength } from "../../protocol/values.ts";
import { encodeKey, under, VOLATILE_PREFIX } from "../../state/rows.ts";
import type { Clock, Failures, Storage } from "../../platform/ports.ts";
import { keyForLog, PRIVATE_PREFIX, QUARANTINE_PREFIX as PREFIX } from "./keys.ts";

/** With more unreadable values a room does not start, since a migration is missing. No more are logged. */
const MOST_AT_ONCE = 100;
/** Beyond this number, or this many characters of JSON, the oldest are removed until a tenth is free. */
const MOST_KEPT = 10_000;
const MOST_SIZE = 16_000_000;

interface Found {
  readonly key: string;
  readonly value: unknown;
  readonly error: unknown;
}

/**
 * Stored values that cannot be read. Each is moved to its own row, so that nothing is lost and the room runs. Values
 * that a start finds are moved at its end, all at once, so a failed start changes nothing.
 */
export class Quarantine implements RoomQuarantine {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #failures: Failures;
  #found: Found[] = [];
  #isStarting = true;
  #tooMany: Error | undefined;
  /** The sizes of all kept values in characters, oldest first. Undefined until it is needed. */
  #kept: Map<string, number> | undefined;
  #reported = 0;

  /** @param failures gets each unreadable value with the reason */
  constructor(storage: Storage, clock: Clock, failures: Failures) {
    this.#storage = storage;
    this.#clock = clock;
    this.#failures = failures;
  }

  /** Whether all values could be read so far. */
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

  /** Deletes the values of a user. @param row the key of their row. Undefined if the state has no users */
  deleteOf(publicId: string, row: string | undefined): void {
    const keys: string[] = [];
    for (const [, quarantined] of this.#storage.list(under(PREFIX))) {
      const { key, value } = quarantined as Quarantined;
      const isOfSession = isPlain(value) && value["publicId"] === publicId;
      if (isOfSession || (row !== undefined && (key === row || key.startsWith(`${row}.`)))) keys.push(key);
    }
    for (const key of keys) this.delete(key);
  }

  /** Adds a row, or a value by its path. @throws Error if a start finds too many */
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

  /** Moves the found values. @param alongside further writes in the same transaction */
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
    const reason = messageOf(error);
    const quarantined: Quarantined = { key, value, reason, at: this.#clock.now() };
    try {
      this.#storage.put(PREFIX + key, quarantined);
    } catch (cause) {
      // It may be too large. Then it stays in its place as long as nothing replaces it.
      this.#failures.failed("quarantine_failed", cause, { key: keyForLog(key) });
      return;
    }
    this.#storage.delete(key);
    // Values inside of an entry are part of its value.
    if (!isPlain(value) || key.startsWith(PRIVATE_PREFIX)) return;
    this.#storage.delete(VOLATILE_PREFIX + key);
    for (const prefix of [`${key}.`, `${VOLATILE_PREFIX}${key}.`]) {
      for (const [row] of Array.from(this.#storage.list(under(prefix)))) this.#storage.delete(row);
    }
  }

  /** Values that were just found are never removed, since no one has seen them yet. */
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

  /** Read one by one, since all of them may exceed the memory. */
  #sizes(): Map<string, number> {
    const rows: (readonly [key: string, at: number, size: number])[] = [];
    for (const [, row] of this.#storage.list(under(PREFIX))) {
      const { key, at, value } = row as Quarantined;
      rows.push([key, at, jsonLength(value)]);
    }
    return new Map(rows.toSorted(([, a], [, b]) => a - b).map(([key, , size]) => [key, size]));
  }
}
