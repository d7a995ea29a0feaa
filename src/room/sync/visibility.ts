import { DELETE } from "../../protocol/packets.ts";
import { Replacement } from "../../state/diff.ts";
import type { Viewer } from "../../state/field.ts";
import type { Leaf, PrivateChange } from "../../state/leaf.ts";
import type { Tree } from "../../state/tree.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Questions } from "./questions.ts";

/** The private changes for one viewer. Viewers with the same key have the same changes. */
interface OwnChanges {
  readonly key: string;
  readonly changes: readonly PrivateChange[];
}

export const NONE: OwnChanges = { key: "", changes: [] };

/** The private changes of one packet. */
export class Hidden {
  readonly changes: readonly PrivateChange[];
  readonly #ofFields: ReadonlyMap<Leaf, { readonly change: PrivateChange; readonly index: number }>;

  constructor(changes: readonly PrivateChange[]) {
    this.changes = changes;
    this.#ofFields = new Map(
      changes.flatMap((change, index) => (change.leaf?.audience?.dynamic ? [[change.leaf, { change, index }]] : [])),
    );
  }

  of(leaf: Leaf): { readonly change: PrivateChange; readonly index: number } | undefined {
    return this.#ofFields.get(leaf);
  }

  /** The changed fields and the given ones, in the same order for all viewers. */
  with(leaves: ReadonlySet<Leaf>): Iterable<Leaf> {
    if (this.#ofFields.size === 0 && leaves.size === 0) return leaves;
    return [...leaves.union(this.#ofFields)].toSorted((one, other) => one.id - other.id);
  }
}

/** A viewer, and the fields that it saw so far. */
export interface Looking {
  readonly conn: RoomConnection;
  readonly viewer: Viewer;
  readonly seen: Set<number>;
}

/**
 * Collects the visible private changes of a viewer, and the fields that became visible or hidden. Keys consist of
 * numbers only, since clients choose names.
 */
export function changesFor(tree: Tree, looking: Looking, hidden: Hidden, questions?: Questions): OwnChanges {
  const changes: PrivateChange[] = [];
  const keys: string[] = [];
  for (const [change, key] of allChanges(tree, looking, hidden, questions)) {
    changes.push(change);
    keys.push(key);
  }
  return changes.length === 0 ? NONE : { key: keys.join(), changes };
}

/** Removals come first, since another value may replace a removed one. */
function* allChanges(
  tree: Tree,
  looking: Looking,
  hidden: Hidden,
  questions: Questions | undefined,
): Iterable<[PrivateChange, key: string]> {
  const { viewer, seen } = looking;
  for (const [index, change] of hidden.changes.entries()) {
    if (!change.leaf && hadSeen(tree, viewer, seen, change)) yield [change, `${index}`];
  }
  for (const [index, change] of hidden.changes.entries()) {
    if (change.leaf && !change.audience.dynamic && tree.sees(viewer, change.audience)) yield [change, `${index}`];
  }
  if (questions) yield* dynamicChanges(tree, looking, hidden, questions);
}

function* dynamicChanges(
  tree: Tree,
  { conn, viewer, seen }: Looking,
  hidden: Hidden,
  questions: Questions,
): Iterable<[PrivateChange, key: string]> {
  const asked = questions.for(conn, viewer);
  const isAll = asked === tree.dynamic;
  for (const leaf of isAll ? asked : hidden.with(asked)) {
    if (!leaf.audience) continue;
    const { id } = leaf;
    const wasSeen = seen.has(id);
    const sees = isAll || asked.has(leaf) ? questions.ask(conn, viewer, leaf) : wasSeen;
    const patch = hidden.of(leaf);
    if (sees && wasSeen && patch) yield [patch.change, `${patch.index}`];
    if (sees === wasSeen) continue;
    if (sees) seen.add(id);
    else seen.delete(id);
    const entry = sees ? undefined : leaf.hiddenEntryAround((outer) => tree.sees(viewer, outer));
    const names = (entry ?? leaf).names();
    // A replacement keeps that information.
    const whole = patch?.change.value instanceof Replacement ? patch.change.value : leaf.sent;
    const change = { names, audience: leaf.audience, value: sees ? whole : DELETE, leaf };
    // The removed value is the field or an entry around it, depending on the number of names.
    yield [change, sees ? `+${id}` : `-${id}/${names.length}`];
  }
  if (seen.size > tree.dynamic.size) prune(seen, tree);
}

/** Forgets fields of removed entries, so that the set does not grow as entries come and go. */
function prune(seen: Set<number>, { dynamic }: Tree): void {
  const ids = new Set(Array.from(dynamic, ({ id }) => id));
  for (const id of seen) if (!ids.has(id)) seen.delete(id);
}

/** Whether a viewer saw a part of a removed value. Removes it from the seen fields. */
function hadSeen(tree: Tree, viewer: Viewer, seen: Set<number>, { audience, gone }: PrivateChange): boolean {
  if (!audience.dynamic || !gone) return tree.sees(viewer, audience);
  let had = false;
  for (const id of gone) had = seen.delete(id) || had;
  return had;
}
