import type { Clock, Storage } from "../../platform/ports.ts";
import type { OwnRows } from "../timing/room-part.ts";
import { PRIVATE_PREFIX } from "./keys.ts";

/** Things that are remembered at once: of more, the oldest is forgotten before its time. */
export const MOST_REMEMBERED = 10_000;

/** Things to remember for a time, each in a row of its own, written at once. */
export class ExpiringRows<T extends object> {
  readonly #name: string;
  readonly #prefix: string;
  readonly #life: number;
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #entries = new Map<string, { readonly value: T; readonly until: number }>();

  /** @param life how long an entry is remembered, in ms */
  constructor(name: string, life: number, storage: Storage, clock: Clock) {
    this.#name = name;
    this.#prefix = `${PRIVATE_PREFIX}${name}:`;
    this.#life = life;
    this.#storage = storage;
    this.#clock = clock;
  }

  load(rows: OwnRows): void {
    const own = rows.of(this.#name) as readonly [string, { value: T; until: number }][];
    for (const [key, entry] of own.toSorted(([, a], [, b]) => a.until - b.until)) this.#entries.set(key, entry);
  }

  keys(): Iterable<string> {
    return this.#entries.keys();
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    return entry && entry.until > this.#clock.now() ? entry.value : undefined;
  }

  set(key: string, value: T): void {
    const entry = { value, until: this.#clock.now() + this.#life };
    // Stored first: an entry that cannot be stored must not be remembered in memory either.
    this.#storage.put(this.#prefix + key, entry);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && this.#entries.size > MOST_REMEMBERED) this.delete(oldest);
  }

  delete(key: string): void {
    if (!this.#entries.has(key)) return;
    this.#storage.delete(this.#prefix + key);
    this.#entries.delete(key);
  }

  /** When the first entry runs out; undefined if there is none. */
  due(): number | undefined {
    // All live equally long, so they run out in the order in which they came.
    return this.#entries.values().next().value?.until;
  }

  /** Forgets what ran out. */
  purge(now: number): void {
    for (const [key, { until }] of this.#entries) if (until <= now) this.delete(key);
  }
}
