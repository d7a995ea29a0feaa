import { DELETE } from "../protocol/packets.ts";
import type { Plain } from "../protocol/values.ts";
import { put, SAME, whole } from "./diff.ts";
import type { EntryNode, InnerNode } from "./node.ts";

/** The parts of a collection that finding its changes needs. */
interface Changes extends Pick<InnerNode, "changedIn" | "textFor"> {
  readonly audience: unknown;
  readonly interest: unknown;
  readonly replacedIn: number;
  readonly changes: { readonly gone: { since(seq: number): Iterable<string> } };
  shownSince(isOld: boolean): Iterable<readonly [key: string, entry: EntryNode]>;
}

/** The changes of an entry after a packet, or SAME. */
type OfEntry = (entry: EntryNode, seq: number, isOld: boolean) => unknown;

/** The changes of a collection after a packet, or SAME: see `changesSince`. */
export function entriesSince(entries: Changes, seq: number, isOld: boolean, ofEntry: OfEntry): unknown {
  if (entries.audience || entries.interest || (entries.changedIn <= seq && !isOld)) return SAME;
  if (entries.replacedIn > seq) return whole(entries);
  const patch: Plain = {};
  for (const key of entries.changes.gone.since(seq)) patch[key] = DELETE;
  for (const [key, entry] of entries.shownSince(isOld)) {
    const change = entry.replacedIn > seq ? whole(entry) : ofEntry(entry, seq, isOld);
    if (change !== SAME) put(patch, key, change);
  }
  return Object.keys(patch).length > 0 ? patch : SAME;
}
