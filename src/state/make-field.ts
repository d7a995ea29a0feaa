import type { Signal } from "@signe/reactive";
import { restrictAudience } from "./audience.ts";
import type { Entries } from "./entries.ts";
import type { CollectionField, Field } from "./field.ts";
import { Leaf } from "./leaf.ts";
import type { ParentNode, Placement, Shared } from "./node.ts";
import type { ReferenceLeaf } from "./reference-leaf.ts";
import type { Row } from "./rows.ts";

/** The object around a field. */
interface FieldParent extends ParentNode {
  readonly placement: Placement;
  /** The developer's object. */
  readonly target: object;
  rowOfField(name: string, signal: Signal): Row;
}

/** Makes the node of a marked signal. */
export function makeField(
  shared: Shared,
  parent: FieldParent,
  name: string,
  value: object,
  field: Field,
): Leaf | Entries {
  const { audience: outer, seenBy, owner, persisted } = parent.placement;
  const { visibleTo } = field;
  const isKeyed = typeof visibleTo === "object";
  const condition = isKeyed ? visibleTo.condition(parent.target, owner) : visibleTo;
  // A viewer of the field may not see the entry: users see their own.
  const around = condition === "owner" ? outer : (seenBy ?? outer);
  const isAsAround = condition === "all" || (isKeyed && field.factory !== undefined);
  const audience = isAsAround ? outer : restrictAudience(around, condition, owner);
  if (field.factory) {
    const Node = field.Entries as typeof Entries;
    return new Node(shared, parent, name, value as never, field as CollectionField, { persisted, owner, audience });
  }
  if (field.target) {
    const row = parent.rowOfField(name, field.target.key);
    const Node = field.target.Leaf as typeof ReferenceLeaf;
    return new Node(shared, parent, name, field.target, field, { row, persisted, audience, owner });
  }
  const signal = value as Signal;
  return new Leaf(shared, parent, name, signal, field, {
    row: parent.rowOfField(name, signal),
    persisted,
    audience,
  });
}
