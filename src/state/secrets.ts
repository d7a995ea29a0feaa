import { untracked } from "@signe/reactive";
import type { Audience } from "./audience.ts";
import type { CollectionField, ReferenceTarget } from "./field.ts";
import { KIND_KEY, makeEntry } from "./marks.ts";
import { OUTSIDE } from "./node.ts";
import type { Placement, Shared } from "./node.ts";
import { Row } from "./rows.ts";
import { collectionOf } from "./signals/tracking.ts";

/** The parts of a collection from which its entries can be made. */
interface Collection {
  readonly shared: Shared & { readonly root: object };
  readonly field: CollectionField;
  readonly placement: Omit<Placement, "row">;
}

/** An object with fields, a field, or a collection. */
interface Node {
  readonly audience?: Audience;
  readonly field?: { readonly factory?: CollectionField["factory"]; readonly target?: ReferenceTarget };
  readonly children?: ReadonlyMap<string, Node>;
}

type Test = (node: Node) => boolean;

/**
 * Whether something else than the visible entries of a collection depends on who sees which of them: parts of its
 * entries that are hidden from some of their viewers, their own user aside, or a reference to an entry. It makes an
 * entry of each kind to find out. If that fails, the answer is yes.
 */
export function hasSecrets(collection: Collection): boolean {
  const leadsHere: Test = ({ field }) => field?.target !== undefined && targetOf(field.target) === collection;
  return (
    anEntry(collection, ({ audience }) => audience?.dynamic === true, new Set()) ||
    anyNode(collection.shared.root, leadsHere, new Set())
  );
}

function targetOf({ entries }: ReferenceTarget): unknown {
  return collectionOf(untracked(entries));
}

/** Whether a node, or something inside of it, passes a test. @param asked the factories that were asked already */
function anyNode(node: Node, test: Test, asked: Set<unknown>): boolean {
  if (test(node)) return true;
  if (node.field?.factory) return anEntry(node as unknown as Collection, test, asked);
  return Array.from(node.children?.values() ?? []).some((child) => anyNode(child, test, asked));
}

function anEntry({ shared, field, placement }: Collection, test: Test, asked: Set<unknown>): boolean {
  const { factory } = field;
  // Entries may have collections of their own kind.
  if (asked.has(factory)) return false;
  asked.add(factory);
  const own = { ...placement, owner: undefined, row: new Row(shared.rows, "", () => undefined) };
  const kinds = typeof factory === "function" ? [undefined] : [...factory.keys()];
  const make = (kind: unknown) => makeEntry(factory, "", kind === undefined ? undefined : { [KIND_KEY]: kind }).target;
  try {
    return kinds.some((kind) => anyNode(new shared.Entry(shared, OUTSIDE, "", make(kind), own) as Node, test, asked));
  } catch {
    return true;
  }
}
