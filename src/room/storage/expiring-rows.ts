import type { Clock, Storage } from "../../platform/ports.ts";
import type { OwnRows } from "../timing/room-part.ts";
import { jsonLength } from "../../protocol/values.ts";
import { APART_PREFIX, PRIVATE_PREFIX } from "./keys.ts";

/** The maximum number of entries. Beyond it, the oldest is removed early. */
export const MOST_REMEMBERED = 10_000;

/** The maximum size of large parts in characters. Beyond it, the oldest is removed early. */
export const MOST_APART = 8_000_000;

interface Entry<T> {
  readonly value: T;
  readonly until: number;
  /** The size of its large part in characters, if there is one. */
  readonly size?: number;
}

/**
 * Small entries with an expiry, each in its own row that is written at once. A large part of an entry is in a separate
 * row, which is not read when the room wakes but on demand.
 */
export class ExpiringRows<T extends object> {
  readonly #name: string;
  readonly #prefix: string;
  readonly #apartPrefix: string;
  readonly #life: number;
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry<T>>();
  /** The size of all large parts in characters. */
  #size = 0;

  /** @param life how long an entry is kept, in ms */
  constructor(name: string, life: number, storage: Storage, clock: Clock) {
    this.#name = name;
    this.#prefix = `${PRIVATE_PREFIX}${name}:`;
    this.#apartPrefix = `${APART_PREFIX}${name}:`;
    this.#life = life;
    this.#storage = storage;
    this.#clock = clock;
  }

  load(rows: OwnRows): void {
    const own = rows.of(this.#name) as readonly [string, Entry<T>][];
    for (const [key, entry] of own.toSorted(([, a], [, b]) => a.until - b.until)) {
      this.#entries.set(key, entry);
      this.#size += entry.size ?? 0;
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  keys(): Iterable<string> {
    return this.#entries.keys();
  }

  get(key: string): T | undefined {
    return this.#live(key)?.value;
  }

  /** The large part of an entry. */
  apart(key: string): unknown {
    return this.#live(key)?.size === undefined ? undefined : this.#storage.get(this.#apartPrefix + key);
  }

  /** @param apart the large part of the entry */
  set(key: string, value: T, apart?: object): void {
    const until = this.#clock.now() + this.#life;
    const entry: Entry<T> = apart ? { value, until, size: jsonLength(apart) } : { value, until };
    const before = this.#entries.get(key);
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && !before && this.#entries.size >= MOST_REMEMBERED) this.delete(oldest);
    // Stored first, so that memory does not have an entry that could not be stored.
    if (apart || before?.size !== undefined) this.#storage.transaction(() => this.#put(key, entry, apart));
    else this.#storage.put(this.#prefix + key, entry);
    this.#size += (entry.size ?? 0) - (before?.size ?? 0);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#size > MOST_APART) this.#bound(key);
  }

  /** The large part of an entry is no longer needed. */
  dropApart(key: string): void {
    const entry = this.#entries.get(key);
    if (entry?.size === undefined) return;
    const { size, ...rest } = entry;
    // In this order, since a large part without its size would never be deleted.
    this.#storage.delete(this.#apartPrefix + key);
    this.#storage.put(this.#prefix + key, rest);
    // In its place: entries are ordered by expiry.
    this.#entries.set(key, rest);
    this.#size -= size;
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    if (entry.size !== undefined) this.#storage.delete(this.#apartPrefix + key);
    this.#storage.delete(this.#prefix + key);
    this.#entries.delete(key);
    this.#size -= entry.size ?? 0;
  }

  /** When the first entry expires. Undefined if there is none. */
  due(): number | undefined {
    // All entries are kept equally long, so they expire in the order in which they were added.
    return this.#entries.values().next().value?.until;
  }

  /** Removes expired entries. */
  purge(now: number): void {
    for (const [key, { until }] of this.#entries) if (until <= now) this.delete(key);
  }

  #put(key: string, entry: Entry<T>, apart: object | undefined): void {
    if (apart) this.#storage.put(this.#apartPrefix + key, apart);
    else this.#storage.delete(this.#apartPrefix + key);
    this.#storage.put(this.#prefix + key, entry);
  }

  #live(key: string): Entry<T> | undefined {
    const entry = this.#entries.get(key);
    return entry && entry.until > this.#clock.now() ? entry : undefined;
  }

  /** Removes the oldest large parts if there are too many. @param latest the entry that was just set */
  #bound(latest: string): void {
    for (const key of this.#entries.keys()) {
      if (this.#size <= MOST_APART) return;
      if (key !== latest) this.dropApart(key);
    }
  }
}
