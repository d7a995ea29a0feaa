import { DELETE } from "../protocol/packets.ts";
import { objectAt } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import type { Audience } from "./audience.ts";
import type { EntryNode } from "./node.ts";
import { put, SAME, whole } from "./diff.ts";
import type { Entries } from "./entries.ts";
import { Group, isEntries, partsOf } from "./group.ts";
import { Leaf } from "./leaf.ts";
import { decodeKey, ROOT_KEY } from "./rows.ts";

/** Something that only some could see, and that is gone. */
export interface PrivateRemoval {
  readonly names: readonly string[];
  readonly audience: Audience;
}

/** The changes that clients with a certain packet missed. */
export interface Missed {
  /** The patch for everyone. */
  readonly patch: Plain;
  /** The changes that not everyone may see. */
  readonly gone: readonly PrivateRemoval[];
}

/**
 * All that changed after a packet: fields come whole, and so does an entry that took the place of another one. It
 * costs the way to what changed, and a look at each entry of the collections on the way.
 *
 * @param isOld whether the room lost its memory since: what was not stored may be anything
 * @param before the numbers of the packets with the last changes of rows, as they were stored before the room started
 */
export function changesSince(root: Group, seq: number, isOld: boolean, before: ReadonlyMap<string, number>): Missed {
  const changed = ofGroup(root, seq, isOld);
  const missed = { patch: changed === SAME ? {} : (changed as Plain), gone: [] };
  for (const [key, changedIn] of before) if (changedIn > seq) addRow(root, key, seq, missed);
  return missed;
}

function ofGroup(group: Group, seq: number, isOld: boolean): unknown {
  if (group.changedIn <= seq && !(isOld && !group.isDurable)) return SAME;
  const patch: Plain = {};
  for (const [name, child] of group.children) {
    if (child.hidden) continue;
    const change = child instanceof Leaf ? child.since(seq) : ofInner(child, seq, isOld);
    if (change !== SAME) put(patch, name, change);
  }
  return Object.keys(patch).length > 0 ? patch : SAME;
}

function ofEntry(entry: EntryNode, seq: number, isOld: boolean): unknown {
  return ofInner(entry as Group, seq, isOld);
}

function ofInner(node: Group | Entries, seq: number, isOld: boolean): unknown {
  const change =
    node instanceof Group ? ofGroup(node, seq, isOld) : partsOf(node.field).entriesSince(node, seq, isOld, ofEntry);
  return change === SAME && node.bornIn > seq ? {} : change;
}

/** Adds what was stored in a row, or that it is gone. */
function addRow(root: Group, key: string, seq: number, missed: { patch: Plain; gone: PrivateRemoval[] }): void {
  const names = key === ROOT_KEY ? [] : decodeKey(key);
  let node: Group | Entries = root;
  for (const [depth, name] of names.entries()) {
    // The whole of it is sent anyway.
    if (depth > 0 && node.replacedIn > seq) return;
    // Clients that see some of its entries get all of them again.
    if (isEntries(node) && node.interest) return;
    const path = names.slice(0, depth + 1);
    const child: Leaf | Group | Entries | undefined = isEntries(node)
      ? (node.shown(name) as Group | undefined)
      : node.children.get(name);
    if (child instanceof Leaf) return place(missed.patch, path, child.isForAll ? child.whole : SAME);
    if (child) node = child;
    else {
      const audience = isEntries(node) ? node.audienceOf(name) : node.placement.audience;
      if (audience) missed.gone.push({ names: path, audience });
      else place(missed.patch, path, DELETE);
      return;
    }
  }
  if (isEntries(node)) return;
  if (node.isWhole && node.parent) place(missed.patch, names, node.isForAll ? whole(node) : SAME);
  else addFields(node, names, key, missed.patch);
}

/** Adds the fields of an object that are stored in a row. */
function addFields(group: Group, names: readonly string[], key: string, patch: Plain): void {
  for (const [name, child] of group.children) {
    const path = [...names, name];
    if (child instanceof Group && names.length > 0) addFields(child, path, key, patch);
    else if (child instanceof Leaf && child.place.key === key && child.isForAll) place(patch, path, child.whole);
  }
}

function place(patch: Plain, names: readonly string[], value: unknown): void {
  if (value === SAME) return;
  const parent = objectAt(patch, names.slice(0, -1), (node, name) => {
    const inner = Object.hasOwn(node, name) ? node[name] : {};
    return inner as Plain;
  });
  put(parent, names.at(-1) as string, value);
}
