import { Replacement } from "../../state/diff.ts";
import type { Leaf } from "../../state/leaf.ts";
import { merge } from "../../state/merge.ts";
import type { Placed } from "../../state/merge.ts";

/**
 * The collections that not everyone sees, for a client that comes back. Each is replaced as a whole by what the client
 * may see: deleting the other entries one by one would reveal their keys.
 */
export class HiddenCollections {
  readonly #seen = new Map<string, { readonly names: readonly string[]; readonly fields: Placed[] }>();

  /** Adds a field, if it is in such a collection. @returns whether it is */
  take(leaf: Leaf, wasSent: boolean): boolean {
    const names = leaf.hiddenEntryAround(() => false)?.slice(0, -1);
    if (!names) return false;
    const path = names.join("\0");
    const collection = this.#seen.get(path) ?? { names, fields: [] };
    this.#seen.set(path, collection);
    if (wasSent) collection.fields.push({ names: leaf.names().slice(names.length), value: leaf.sent });
    return true;
  }

  replacements(): Placed[] {
    return Array.from(this.#seen.values(), ({ names, fields }) => ({
      names,
      value: new Replacement(merge(undefined, fields)),
    }));
  }
}
