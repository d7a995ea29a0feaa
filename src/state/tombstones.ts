/** The most keys, and the most characters of keys, that a collection remembers as gone. */
const MAX_COUNT = 1000;
const MAX_LENGTH = 64_000;

/** The keys of entries that are gone, each with the number of the packet that said so. */
export class Tombstones {
  /** Who has an older packet than this gets the whole collection: what was gone then is not known any more. */
  forgottenIn = 0;
  /** The oldest first. Undefined until something is gone. */
  #keys: Map<string, number> | undefined;
  #length = 0;

  /** @param useful who has an older packet than this gets the whole state anyway */
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

  /** @returns whether it was there */
  delete(key: string): boolean {
    const wasThere = this.#keys?.delete(key) === true;
    if (wasThere) this.#length -= key.length;
    return wasThere;
  }

  /** The keys that are gone since a packet. */
  *since(seq: number): Iterable<string> {
    for (const [key, goneIn] of this.#keys ?? []) if (goneIn > seq) yield key;
  }
}
