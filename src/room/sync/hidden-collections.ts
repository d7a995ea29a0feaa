import { Replacement } from "../../state/diff.ts";
import type { HiddenEntry, Leaf } from "../../state/leaf.ts";
import { merge } from "../../state/merge.ts";
import type { Placed } from "../../state/merge.ts";

type HiddenCollection = NonNullable<HiddenEntry["parent"]>;

/**
 * The collections that not everyone sees, for a client that comes back. Each is replaced as a whole by what the client
 * may see: deleting the other entries one by one would reveal their keys.
 */
export class HiddenCollections {
  readonly #seen = new Map<HiddenCollection, Placed[]>();

  /** Adds a field, if it is in such a collection. @returns whether it is */
  take(leaf: Leaf, wasSent: boolean): boolean {
    const collection = leaf.hiddenEntryAround(() => false)?.parent;
    if (!collection) return false;
    const fields = this.#seen.get(collection) ?? [];
    this.#seen.set(collection, fields);
    if (wasSent) fields.push({ names: leaf.names().slice(collection.names().length), value: leaf.sent });
    return true;
  }

  replacements(): Placed[] {
    return Array.from(this.#seen, ([collection, fields]) => ({
      names: collection.names(),
      value: new Replacement(merge(undefined, fields)),
    }));
  }
}
