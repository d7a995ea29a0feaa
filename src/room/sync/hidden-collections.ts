import { Replacement } from "../../state/diff.ts";
import type { Leaf } from "../../state/leaf.ts";
import type { HiddenEntry } from "../../state/leaf-scope.ts";
import { merge } from "../../state/merge.ts";
import type { Placed } from "../../state/merge.ts";

type HiddenCollection = NonNullable<HiddenEntry["parent"]>;

/**
 * The collections that not everyone sees, for a reconnecting client. Each is replaced as a whole by its visible part,
 * because deletions of single entries would reveal their keys.
 */
export class HiddenCollections {
  readonly #seen = new Map<HiddenCollection, Placed[]>();

  /** Adds a field of an entry in such a collection. */
  take(leaf: Leaf, { parent }: HiddenEntry, wasSent: boolean): void {
    const fields = parent && this.add(parent);
    if (fields && wasSent) fields.push({ names: leaf.names().slice(parent.names().length), value: leaf.sent });
  }

  add(collection: HiddenCollection): Placed[] {
    const fields = this.#seen.get(collection) ?? [];
    this.#seen.set(collection, fields);
    return fields;
  }

  replacements(): Placed[] {
    return Array.from(this.#seen, ([collection, fields]) => ({
      names: collection.names(),
      value: new Replacement(merge(undefined, fields)),
    }));
  }
}
