import { Replacement } from "../../state/diff.ts";
import type { Leaf } from "../../state/leaf.ts";
import { merge } from "../../state/merge.ts";
import type { Placed } from "../../state/merge.ts";

/**
 * What a client that comes back may see of collections that not everybody sees. Each collection is replaced as a whole:
 * deleting the other entries one by one would reveal their keys.
 */
export class HiddenCollections {
  readonly #seen = new Map<string, { readonly names: readonly string[]; readonly fields: Placed[] }>();

  /** @returns whether the field is in such a collection */
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
