import { untracked } from "@signe/reactive";
import type { EntryNode } from "./node.ts";

type Values = Record<string, unknown>;

/** An entry that is only stored. */
interface Sleeper {
  readonly stored: Values;
  /** A made entry of the same kind. */
  readonly sample: EntryNode;
  /** What clients know of it, as JSON. */
  text?: string | undefined;
}

/**
 * Entries that are only stored so far. Making one costs some 15 µs (`npm run bench:micro`), so a room that wakes
 * with thousands of them makes those that are read: until then each is a getter in the collection's record.
 */
export class Dormant {
  readonly #sleepers = new Map<string, Sleeper>();
  readonly #record: () => Values;
  readonly #revive: (key: string, stored: Values) => object;

  /** @param revive makes an entry of what is stored */
  constructor(record: () => Values, revive: (key: string, stored: Values) => object) {
    this.#record = record;
    this.#revive = revive;
  }

  add(key: string, stored: Values, sample: EntryNode): void {
    this.#sleepers.set(key, { stored, sample });
    const get = () => this.wake(key);
    Object.defineProperty(this.#record(), key, { get, enumerable: true, configurable: true });
  }

  /** Makes an entry, if it is one of these. */
  wake(key: string): object | undefined {
    const sleeper = this.#sleepers.get(key);
    if (!sleeper) return undefined;
    // First of all, in case that making it reads the collection.
    this.#sleepers.delete(key);
    try {
      // Whoever reads an entry depends on what it reads of it, not on how it is made.
      return untracked(() => {
        const value = this.#revive(key, sleeper.stored);
        Object.defineProperty(this.#record(), key, { value, writable: true, enumerable: true, configurable: true });
        return value;
      });
    } catch (error) {
      this.#sleepers.set(key, sleeper);
      throw error;
    }
  }

  wakeAll(): void {
    for (const key of this.#sleepers.keys()) this.wake(key);
  }

  /** What clients know of each, as members of a JSON object. Those that have to be made to tell are made instead. */
  texts(): string[] {
    const texts: string[] = [];
    for (const [key, sleeper] of this.#sleepers) {
      sleeper.text ??= sleeper.sample.textOfStored(sleeper.stored);
      if (sleeper.text === undefined) this.wake(key);
      else texts.push(`${JSON.stringify(key)}:${sleeper.text}`);
    }
    return texts;
  }
}
