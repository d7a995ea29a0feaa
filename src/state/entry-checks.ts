import { MAX_DEPTH } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import type { CollectionField } from "./field.ts";
import { kindOf } from "./kinds.ts";
import type { EntryKind } from "./kinds.ts";
import { holdsFields } from "./members.ts";
import type { EntryNode, Shared } from "./node.ts";
import { isEntryKey, MAX_KEY, refused, shapeOf, tooLong } from "./value-checks.ts";
import type { CheckedField } from "./value-checks.ts";

/** The part of a collection that its checks need. */
interface Collection extends CheckedField {
  /** The path to it. */
  names(): readonly string[];
  /** Whether the collection has this node under a key. */
  has(key: string, node: EntryNode): boolean;
  readonly shared: Shared;
  readonly field: CollectionField;
  /** The entry that the collection itself makes and adds right now. It need not be checked. */
  readonly created: { readonly target: object; readonly kind: EntryKind } | undefined;
}

/**
 * Checks a new entry.
 * @throws RoomError naming the path, if it is not an entry, of no kind of the collection, or part of the state already
 */
export function checkNew(collection: Collection, key: string, target: unknown): EntryKind {
  const { node, kind } = checkEntry(collection, key, target);
  if (node && !collection.has(key, node)) throw takenAlready(collection, key, node);
  return kind;
}

/**
 * Checks a replacement of all entries before any of them is removed, since a failure halfway would leave a mix of both.
 * Entries may change their keys.
 * @throws RoomError naming the path
 */
export function checkAll(collection: Collection, next: Readonly<Plain>): void {
  const seen = new Set<unknown>();
  for (const [key, target] of Object.entries(next)) {
    const { node } = checkEntry(collection, key, target);
    if (node && !collection.has(node.key, node)) throw takenAlready(collection, key, node);
    if (seen.has(target)) throw refused(collection, [key], "internal", "this entry has another key too");
    seen.add(target);
  }
}

/** @returns the kind of the entry, and its node if it is in the state already */
function checkEntry(
  collection: Collection,
  key: string,
  target: unknown,
): { readonly kind: EntryKind; readonly node: EntryNode | undefined } {
  if (key.length > MAX_KEY) throw tooLong(collection, [], key);
  if (key.includes(".")) {
    throw refused(
      collection,
      [key],
      "invalid_input",
      "the key of an entry cannot have dots, since clients read it as a path",
    );
  }
  if (!isEntryKey(key)) throw refused(collection, [key], "invalid_input", "this key is reserved or malformed");
  if (collection.names().length >= MAX_DEPTH) {
    throw refused(collection, [key], "invalid_input", `an entry may be up to ${MAX_DEPTH} levels deep`);
  }
  if (shapeOf(target) !== "object" || !holdsFields(target as object)) {
    throw refused(collection, [key], "internal", "an entry has to be made by the collection's class or factory");
  }
  const { created, shared, field } = collection;
  const kind =
    created && created.target === target ? created.kind : kindOf(shared, field.factory, key, target as object);
  if (typeof kind === "string") throw refused(collection, [key], "internal", kind);
  // An entry that is in the state now, in any collection.
  const node = shared.entries.get(target as object);
  return { kind, node: node?.isInState && !shared.loading ? node : undefined };
}

function takenAlready(collection: Collection, key: string, node: EntryNode): Error {
  const at = node.names().join(".");
  return refused(collection, [key], "internal", `this entry is already in the state, at ${at}`);
}
