/** Something that depends on whether an entry is there. */
interface Referrer {
  /** The entry under its key came or went, or the collection did. */
  targetChanged(): void;
}

/** The references to the entries of one collection, by the keys of these. */
export class Referrers {
  readonly #byKey = new Map<string, Set<Referrer>>();

  add(key: string, referrer: Referrer): void {
    const known = this.#byKey.get(key) ?? new Set();
    this.#byKey.set(key, known.add(referrer));
  }

  delete(key: string, referrer: Referrer): void {
    const known = this.#byKey.get(key);
    if (known?.delete(referrer) && known.size === 0) this.#byKey.delete(key);
  }

  /** An entry came or went. */
  changed(key: string): void {
    for (const referrer of this.#byKey.get(key) ?? []) referrer.targetChanged();
  }

  /** The collection is gone. */
  allChanged(): void {
    for (const key of this.#byKey.keys()) this.changed(key);
  }
}
