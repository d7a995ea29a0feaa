import { DELETE } from "../../protocol/packets.ts";
import { Replacement } from "../../state/diff.ts";
import type { Viewer } from "../../state/fields.ts";
import type { PrivateChange } from "../../state/leaf.ts";
import type { Tree } from "../../state/tree.ts";

/** The private changes for one viewer. Viewers with the same key get the same changes. */
interface OwnChanges {
  readonly key: string;
  readonly changes: readonly PrivateChange[];
}

export const NONE: OwnChanges = { key: "", changes: [] };

/** Collects the private changes that a viewer may see, and the fields that have become visible or invisible to it. */
export function changesFor(
  tree: Tree,
  viewer: Viewer,
  seen: Set<string>,
  hidden: readonly PrivateChange[],
): OwnChanges {
  const changes: PrivateChange[] = [];
  const keys: string[] = [];
  for (const [change, how] of allChanges(tree, viewer, seen, hidden)) {
    changes.push(change);
    keys.push(`${change.names.join("\0")}\0${how}`);
  }
  return changes.length === 0 ? NONE : { key: keys.join("\n"), changes };
}

type How = "changed" | "appeared" | "gone";

/** Removals come first, since another value may take the place of a removed one. */
function* allChanges(
  tree: Tree,
  viewer: Viewer,
  seen: Set<string>,
  hidden: readonly PrivateChange[],
): Iterable<[PrivateChange, How]> {
  for (const change of hidden) {
    const { leaf, audience, names } = change;
    if (!leaf && (audience.dynamic ? forget(seen, names.join(".")) : tree.sees(viewer, audience)))
      yield [change, "gone"];
  }
  for (const change of hidden) {
    if (change.leaf && !change.audience.dynamic && tree.sees(viewer, change.audience)) yield [change, "changed"];
  }
  yield* dynamicChanges(tree, viewer, seen, hidden);
}

function* dynamicChanges(
  tree: Tree,
  viewer: Viewer,
  seen: Set<string>,
  hidden: readonly PrivateChange[],
): Iterable<[PrivateChange, How]> {
  const patches = new Map(hidden.map((change) => [change.leaf, change]));
  for (const leaf of tree.dynamic) {
    if (!leaf.audience) continue;
    const path = leaf.path();
    const wasSeen = seen.has(path);
    const sees = tree.sees(viewer, leaf.audience);
    const patch = patches.get(leaf);
    if (sees && wasSeen && patch) yield [patch, "changed"];
    if (sees === wasSeen) continue;
    if (sees) seen.add(path);
    else seen.delete(path);
    const names = (sees ? undefined : leaf.hiddenEntryAround((outer) => tree.sees(viewer, outer))) ?? leaf.names();
    // A value that replaces another one keeps that information.
    const whole = patch?.value instanceof Replacement ? patch.value : leaf.sent;
    const change = { names, audience: leaf.audience, value: sees ? whole : DELETE, leaf };
    yield [change, sees ? "appeared" : "gone"];
  }
  if (seen.size > tree.dynamic.size) prune(seen, tree);
}

/** Forgets fields of removed entries, so that the set does not grow as entries come and go. */
function prune(seen: Set<string>, { dynamic }: Tree): void {
  const paths = new Set(Array.from(dynamic, (leaf) => leaf.path()));
  for (const path of seen) if (!paths.has(path)) seen.delete(path);
}

/** Forgets a field and everything below it. @returns whether any of it was seen */
function forget(seen: Set<string>, path: string): boolean {
  const forgotten = [...seen].filter((name) => name === path || name.startsWith(`${path}.`));
  for (const name of forgotten) seen.delete(name);
  return forgotten.length > 0;
}
