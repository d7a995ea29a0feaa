import type { Audience } from "./audience.ts";
import type { CollectionField } from "./field.ts";
import { KIND_KEY, makeEntry } from "./marks.ts";
import { OUTSIDE } from "./node.ts";
import type { Placement, Shared } from "./node.ts";
import { Row } from "./rows.ts";

/** The parts of a collection from which its entries can be made. */
interface Collection {
  readonly shared: Shared;
  readonly field: CollectionField;
  readonly placement: Omit<Placement, "row">;
}

/** An object with fields, a field, or a collection. */
interface Node {
  readonly audience?: Audience;
  readonly field?: { readonly factory?: CollectionField["factory"] };
  readonly children?: ReadonlyMap<string, Node>;
}

/**
 * Whether an entry has parts that are hidden from some of its viewers, its own user aside. It makes an entry of each
 * kind to find out. If that fails, the answer is yes.
 */
export function hasSecrets({ shared, field, placement }: Collection, asked = new Set<unknown>()): boolean {
  const { factory } = field;
  // Entries may have collections of their own kind.
  if (asked.has(factory)) return false;
  asked.add(factory);
  const own = { ...placement, owner: undefined, row: new Row(shared.rows, "", () => undefined) };
  const kinds = typeof factory === "function" ? [undefined] : [...factory.keys()];
  const make = (kind: unknown) => makeEntry(factory, "", kind === undefined ? undefined : { [KIND_KEY]: kind }).target;
  try {
    return kinds.some((kind) => isSecret(new shared.Entry(shared, OUTSIDE, "", make(kind), own) as Node, asked));
  } catch {
    return true;
  }
}

function isSecret(node: Node, asked: Set<unknown>): boolean {
  const { audience, field, children } = node;
  if (audience?.dynamic) return true;
  if (field?.factory) return hasSecrets(node as unknown as Collection, asked);
  return Array.from(children?.values() ?? []).some((child) => isSecret(child, asked));
}
