import { restrictAudience } from "./audience.ts";
import type { Audience } from "./audience.ts";
import type { CollectionField, KeyedVisibility, Viewer } from "./field.ts";
import type { Interest } from "./interest.ts";
import type { KeyRules } from "./key-rules.ts";
import type { ParentNode, Placement, Shared } from "./node.ts";

/** The part of a collection that decides who sees its entries. */
interface Collection extends Pick<ParentNode, "names"> {
  readonly shared: Shared;
  readonly field: CollectionField;
  readonly placement: Omit<Placement, "row">;
  readonly isOfUsers: boolean;
  settled(key: string): { readonly target: object } | undefined;
}

/**
 * The index of a collection with keyed visibility, if it is a field of the state itself. In other places the keys are
 * compared for each viewer and entry.
 */
export function interestOf(collection: Collection, around: Audience | undefined): Interest | undefined {
  const { visibleTo } = collection.field;
  if (typeof visibleTo !== "object" || around || collection.names().length > 1) return undefined;
  const interest = new (visibleTo.Interest as typeof Interest)(collection as never, visibleTo.rules as KeyRules);
  collection.shared.foundInterest(interest, visibleTo.Crowd);
  return interest;
}

/** Whether every client sees all entries of a collection. */
export function isForAll({
  audience,
  interest,
  placement,
}: Pick<Collection, "placement"> & { readonly audience: unknown; readonly interest: unknown }): boolean {
  return !audience && !interest && !placement.seenBy;
}

/** Who sees a collection. Undefined for everyone. */
export function audienceAround(collection: Collection, around: Audience | undefined): Audience | undefined {
  const { visibleTo } = collection.field;
  return typeof visibleTo === "object" ? byKeys(collection, visibleTo, "", around) : around;
}

/** Who sees an entry. In a `users` field, each entry is owned by its user. */
export function audienceOfEntry(
  collection: Collection,
  key: string,
  around: Audience | undefined,
): Audience | undefined {
  const { field, isOfUsers } = collection;
  if (typeof field.visibleTo === "object") return byKeys(collection, field.visibleTo, key, around);
  return around && isOfUsers ? { ...around, owner: key } : around;
}

function byKeys(
  collection: Collection,
  visibility: KeyedVisibility,
  key: string,
  around: Audience | undefined,
): Audience {
  const sees = (viewer: Viewer, owner: string | undefined) =>
    visibility.condition(collection.settled(key)?.target, owner)(viewer);
  return restrictAudience(around, sees, collection.isOfUsers ? key : collection.placement.owner);
}
