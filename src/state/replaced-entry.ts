import { DELETE } from "../protocol/packets.ts";
import { isObject } from "./entry-values.ts";
import { Leaf } from "./leaf.ts";
import type { PrivateChange } from "./leaf.ts";
import type { EntryNode, InnerNode, RemovedEntry } from "./node.ts";

/** A collection inside of an entry. */
interface Collection extends InnerNode {
  continueFrom(previous: InnerNode): void;
  /** The entries that clients may have. */
  before(): Iterable<EntryNode | RemovedEntry | undefined>;
}

/** Continues from what was sent of the previous entry. */
export function continueEntry(entry: EntryNode, previous: EntryNode | RemovedEntry, changes: PrivateChange[]): void {
  if (!isMade(previous)) return entry.assumeSent(previous.sentValues());
  ({ bornIn: entry.bornIn, ownReplacedIn: entry.ownReplacedIn } = previous);
  for (const [name, before] of previous.children) {
    const child = entry.children.get(name);
    entry.unsent?.delete(name);
    if (before instanceof Leaf) {
      if (child instanceof Leaf && child.continueFrom(before)) continue;
      if (settleRemoval(before, child, changes)) (entry.removed ??= new Map()).set(name, undefined);
    } else if (!child || child instanceof Leaf || isObject(child) !== isObject(before)) {
      (entry.removed ??= new Map()).set(name, goneIds(before));
    } else if (isObject(child)) continueEntry(child, before, changes);
    else (child as Collection).continueFrom(before);
  }
}

/** A field is gone, or `next` replaces it. @returns whether everyone has to delete it; a private removal goes to `changes` */
function settleRemoval(leaf: Leaf, next: unknown, changes: PrivateChange[]): boolean {
  const { audience } = leaf;
  if (!audience) return leaf.synced;
  const isSeenByAll = next instanceof Leaf && next.isForAll;
  const gone = new Set([leaf.id]);
  if (!isSeenByAll) changes.push({ names: leaf.names(), audience, value: DELETE, leaf: undefined, gone });
  return false;
}

/** The ids of the private fields of a removed node that clients may have. Undefined if they are unknown. */
export function goneIds(previous: InnerNode | RemovedEntry): ReadonlySet<number> | undefined {
  if (!isMade(previous)) return undefined;
  const ids = new Set<number>();
  collectIds(previous, ids);
  return ids;
}

function collectIds(node: InnerNode, into: Set<number>): void {
  if (!isObject(node)) {
    for (const entry of (node as Collection).before()) if (entry && isMade(entry)) collectIds(entry, into);
    return;
  }
  for (const child of node.children.values()) {
    if (!(child instanceof Leaf)) collectIds(child, into);
    else if (child.id > 0) into.add(child.id);
  }
}

/** For an entry that no longer existed when the room woke, only the values that were sent are known. */
function isMade(node: InnerNode | RemovedEntry): node is EntryNode {
  return "children" in node;
}
