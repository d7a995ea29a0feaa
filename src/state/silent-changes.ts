import { diff, SAME } from "./diff.ts";
import { Entries } from "./entries.ts";
import type { Group } from "./group.ts";
import { Leaf } from "./leaf.ts";
import { isFrozen } from "./signals/tracking.ts";
import type { Tree } from "./tree.ts";

/** The advice for a value that was changed in place. */
export const IN_PLACE = "was changed in place, which its signal does not notice: use mutate, or set a new value";

/**
 * Finds changes that no signal noticed: a nested value was changed in place outside of `mutate`, or a property that is
 * a field was assigned. Clients would never get them.
 * @returns what to tell the developer
 */
export function findSilentChange(tree: Tree): string | undefined {
  try {
    takeAssigned(tree.root);
  } catch (error) {
    return (error as Error).message;
  }
  for (const leaf of leavesIn(tree.root)) if (isChangedInPlace(leaf)) return `${leaf.path()} ${IN_PLACE}`;
  return undefined;
}

function takeAssigned(group: Group): void {
  group.takeAssigned();
  for (const child of group.children.values()) {
    if (child instanceof Entries) for (const entry of child.children.values()) takeAssigned(entry as Group);
  }
}

/** All fields in a part of the state, except those of unread entries. */
export function* leavesIn(group: Group): Generator<Leaf> {
  for (const child of group.children.values()) {
    if (child instanceof Leaf) yield child;
    else if (child instanceof Entries) for (const [, entry] of child.allSettled()) yield* leavesIn(entry as Group);
    else yield* leavesIn(child);
  }
}

/** Whether a field without pending changes differs from what was sent to clients. */
export function isChangedInPlace(leaf: Leaf): boolean {
  const { field, signal, sent } = leaf;
  if (!leaf.synced || leaf.dirty || field.kind !== "value" || sent === undefined) return false;
  if (isFrozen(signal)) return false;
  try {
    return diff(sent, leaf.current()) !== SAME;
  } catch {
    // If the value cannot be read, for example since a transform throws, clients keep theirs. The room logs the error.
    return false;
  }
}
