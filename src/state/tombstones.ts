/** The maximum number of removed keys that a collection remembers, and their maximum length in characters. */
const MAX_COUNT = 1000;
const MAX_LENGTH = 64_000;

/** The keys of removed entries, each with the number of the packet that removed it. */
export class Tombstones {
  /** Clients with an older packet than this get the whole collection, since earlier removals are forgotten. */
  forgottenIn = 0;
  /** Oldest first. Undefined until an entry is removed. */
  #keys: Map<string, number> | undefined;
  #length = 0;

  /** @param useful clients with an older packet than this get the whole state anyway */
  add(key: string, seq: number, useful: number): void {
    this.delete(key);
    const keys = (this.#keys ??= new Map());
    keys.set(key, seq);
    this.#length += key.length;
    for (const [oldest, goneIn] of keys) {
      if (keys.size <= MAX_COUNT && this.#length <= MAX_LENGTH && goneIn >= useful) return;
      this.forgottenIn = goneIn;
      this.delete(oldest);
    }
  }

  /** @returns whether the key was there */
  delete(key: string): boolean {
    const wasThere = this.#keys?.delete(key) === true;
    if (wasThere) this.#length -= key.length;
    return wasThere;
  }

  /** The keys that were removed after a packet. */
  *since(seq: number): Iterable<string> {
    for (const [key, goneIn] of this.#keys ?? []) if (goneIn > seq) yield key;
  }
}
