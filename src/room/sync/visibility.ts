import { DELETE } from "../../protocol/packets.ts";
import { Replacement } from "../../state/diff.ts";
import type { Viewer } from "../../state/field.ts";
import type { PrivateChange } from "../../state/leaf.ts";
import type { Tree } from "../../state/tree.ts";

/** The private changes for one viewer. Viewers with the same key get the same changes. */
interface OwnChanges {
  readonly key: string;
  readonly changes: readonly PrivateChange[];
}

export const NONE: OwnChanges = { key: "", changes: [] };

/**
 * Collects the private changes that a viewer may see, and the fields that have become visible or invisible to it. Keys
 * are made of numbers alone, since clients choose names.
 */
export function changesFor(
  tree: Tree,
  viewer: Viewer,
  seen: Set<number>,
  hidden: readonly PrivateChange[],
): OwnChanges {
  const changes: PrivateChange[] = [];
  const keys: string[] = [];
  for (const [change, key] of allChanges(tree, viewer, seen, hidden)) {
    changes.push(change);
    keys.push(key);
  }
  return changes.length === 0 ? NONE : { key: keys.join(), changes };
}

/** Removals come first, since another value may take the place of a removed one. */
function* allChanges(
  tree: Tree,
  viewer: Viewer,
  seen: Set<number>,
  hidden: readonly PrivateChange[],
): Iterable<[PrivateChange, key: string]> {
  for (const [index, change] of hidden.entries()) {
    if (!change.leaf && hadSeen(tree, viewer, seen, change)) yield [change, `${index}`];
  }
  for (const [index, change] of hidden.entries()) {
    if (change.leaf && !change.audience.dynamic && tree.sees(viewer, change.audience)) yield [change, `${index}`];
  }
  yield* dynamicChanges(tree, viewer, seen, hidden);
}

function* dynamicChanges(
  tree: Tree,
  viewer: Viewer,
  seen: Set<number>,
  hidden: readonly PrivateChange[],
): Iterable<[PrivateChange, key: string]> {
  const patches = new Map(hidden.map((change, index) => [change.leaf, { change, index }]));
  for (const leaf of tree.dynamic) {
    if (!leaf.audience) continue;
    const { id } = leaf;
    const wasSeen = seen.has(id);
    const sees = tree.sees(viewer, leaf.audience);
    const patch = patches.get(leaf);
    if (sees && wasSeen && patch) yield [patch.change, `${patch.index}`];
    if (sees === wasSeen) continue;
    if (sees) seen.add(id);
    else seen.delete(id);
    const entry = sees ? undefined : leaf.hiddenEntryAround((outer) => tree.sees(viewer, outer));
    const names = (entry ?? leaf).names();
    // A value that replaces another one keeps that information.
    const whole = patch?.change.value instanceof Replacement ? patch.change.value : leaf.sent;
    const change = { names, audience: leaf.audience, value: sees ? whole : DELETE, leaf };
    // What is gone is the field, or an entry around it: as many names lead to it.
    yield [change, sees ? `+${id}` : `-${id}/${names.length}`];
  }
  if (seen.size > tree.dynamic.size) prune(seen, tree);
}

/** Forgets fields of removed entries, so that the set does not grow as entries come and go. */
function prune(seen: Set<number>, { dynamic }: Tree): void {
  const ids = new Set(Array.from(dynamic, ({ id }) => id));
  for (const id of seen) if (!ids.has(id)) seen.delete(id);
}

/** Whether a viewer saw anything of what was removed. Forgets what it saw of that. */
function hadSeen(tree: Tree, viewer: Viewer, seen: Set<number>, { audience, gone }: PrivateChange): boolean {
  if (!audience.dynamic || !gone) return tree.sees(viewer, audience);
  let had = false;
  for (const id of gone) had = seen.delete(id) || had;
  return had;
}
