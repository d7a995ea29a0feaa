import { addTo, removeFrom } from "./sets-by-key.ts";

/** A node that depends on the existence of an entry. */
interface Referrer {
  /** The entry under its key, or the whole collection, was added or removed. */
  targetChanged(): void;
}

/** The references to the entries of one collection, by key. */
export class Referrers {
  readonly #byKey = new Map<string, Set<Referrer>>();

  add(key: string, referrer: Referrer): void {
    addTo(this.#byKey, key, referrer);
  }

  delete(key: string, referrer: Referrer): void {
    removeFrom(this.#byKey, key, referrer);
  }

  /** An entry was added or removed. */
  changed(key: string): void {
    for (const referrer of this.#byKey.get(key) ?? []) referrer.targetChanged();
  }

  /** The collection was removed. */
  allChanged(): void {
    for (const key of this.#byKey.keys()) this.changed(key);
  }
}
