import { addTo, removeFrom } from "./sets-by-key.ts";

/** Something that depends on whether an entry is there. */
interface Referrer {
  /** The entry under its key came or went, or the collection did. */
  targetChanged(): void;
}

/** The references to the entries of one collection, by the keys of these. */
export class Referrers {
  readonly #byKey = new Map<string, Set<Referrer>>();

  add(key: string, referrer: Referrer): void {
    addTo(this.#byKey, key, referrer);
  }

  delete(key: string, referrer: Referrer): void {
    removeFrom(this.#byKey, key, referrer);
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
