import { diff, SAME } from "../state/diff.ts";
import { Entries } from "../state/entries.ts";
import type { Group } from "../state/group.ts";
import { Leaf } from "../state/leaf.ts";
import { isFrozen } from "../state/signals/tracking.ts";
import type { Tree } from "../state/tree.ts";

/**
 * Finds what changed without any signal knowing: something nested was changed in place, outside `mutate`, or a property
 * that is a field was assigned. Clients would never hear of it.
 * @returns what to tell the developer
 */
export function findSilentChange(tree: Tree): string | undefined {
  try {
    takeAssigned(tree.root);
  } catch (error) {
    return (error as Error).message;
  }
  const leaf = findLeaf(tree.root);
  return leaf && `${leaf.path()} was changed in place, which its signal cannot see: use mutate, or set a new value`;
}

function takeAssigned(group: Group): void {
  group.takeAssigned();
  for (const child of group.children.values()) {
    if (child instanceof Entries) for (const entry of child.children.values()) takeAssigned(entry as Group);
  }
}

function findLeaf(group: Group): Leaf | undefined {
  for (const child of group.children.values()) {
    if (child instanceof Leaf) {
      if (isStale(child)) return child;
      continue;
    }
    const groups = "signal" in child ? child.children.values() : [child];
    for (const inner of groups) {
      const found = findLeaf(inner as Group);
      if (found) return found;
    }
  }
  return undefined;
}

/** Whether a field without pending changes differs from what was sent to clients. */
function isStale(leaf: Leaf): boolean {
  const { field, signal, sent } = leaf;
  if (!leaf.synced || leaf.dirty || field.kind !== "value" || sent === undefined) return false;
  if (isFrozen(signal)) return false;
  try {
    return diff(sent, leaf.current()) !== SAME;
  } catch {
    // What cannot be read, as a transform that throws, keeps the value that clients know; the room logs it.
    return false;
  }
}
