import type { Signal } from "@signe/reactive";
import { restrictAudience } from "./audience.ts";
import type { Audience } from "./audience.ts";
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
  const { seenBy, owner, persisted } = parent.placement;
  const audience = audienceOf(parent, field);
  const around = { persisted, owner, audience, seenBy };
  if (field.factory) {
    const Node = field.Entries as typeof Entries;
    return new Node(shared, parent, name, value as never, field as CollectionField, around);
  }
  const { target } = field;
  const placement = { ...around, row: parent.rowOfField(name, target?.key ?? (value as Signal)) };
  if (!target) return new Leaf(shared, parent, name, value as Signal, field, placement);
  const Node = target.Leaf as typeof ReferenceLeaf;
  return new Node(shared, parent, name, target, field, placement);
}

/** The clients that see a field, or the collection in it. Undefined: all that see the object that contains it. */
function audienceOf({ placement, target }: FieldParent, { visibleTo, factory }: Field): Audience | undefined {
  const { audience: outer, seenBy, owner } = placement;
  if (visibleTo === "all") return outer;
  // A viewer of the field may not see the entry around it. Usually, users see their own.
  const around = outer ?? (visibleTo === "owner" && seenBy?.hasOwner ? undefined : seenBy);
  if (typeof visibleTo !== "object") return restrictAudience(around, visibleTo, owner);
  // The collection itself compares the keys of its entries.
  return factory ? around : restrictAudience(around, visibleTo.condition(target, owner), owner);
}
