import type { EntryNode } from "./node.ts";
import { checkEntry, refused } from "./value-checks.ts";
import type { Place } from "./value-checks.ts";

/** A collection, as far as its checks need it. */
interface Collection extends Place {
  /** Whether a node is the one that this collection has under a key. */
  has(key: string, node: EntryNode): boolean;
}

/** The node of each object that is, or was, an entry of any collection. */
type Nodes = Pick<WeakMap<object, EntryNode>, "get">;

/**
 * Checks what is to be an entry.
 * @throws RoomError naming the path, if it is none, or part of the state already
 */
export function checkNew(collection: Collection, nodes: Nodes, key: string, target: unknown): void {
  checkEntry(collection, key, target);
  const node = nodes.get(target as object);
  if (node?.attached && !collection.has(key, node)) throw takenAlready(collection, key, node);
}

/**
 * Checks what is to take the place of all entries, before any of them goes: a refusal in between would leave some of
 * both. Entries may change their keys.
 * @throws RoomError naming the path
 */
export function checkAll(collection: Collection, nodes: Nodes, next: Readonly<Record<string, unknown>>): void {
  const seen = new Set<unknown>();
  for (const [key, target] of Object.entries(next)) {
    checkEntry(collection, key, target);
    const node = nodes.get(target as object);
    if (node?.attached && !collection.has(node.key, node)) throw takenAlready(collection, key, node);
    if (seen.has(target)) throw refused(collection, [key], "internal", "this entry is there under another key too");
    seen.add(target);
  }
}

function takenAlready(collection: Collection, key: string, node: EntryNode): Error {
  const at = node.names().join(".");
  return refused(collection, [key], "internal", `this entry is part of the state already, at ${at}`);
}
