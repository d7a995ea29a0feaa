import type { Audience } from "./audience.ts";
import type { EntryNode } from "./node.ts";
import type { Watching } from "./view.ts";
import type { Viewer } from "./viewer.ts";

/** The error for a packet with `keys` in a room where no collection has keys. */
export const NO_KEYS = "room.broadcast: keys needs a collection with visibleTo: byKey()";

/** The part of the state that decides who sees an entry. */
export interface Watched {
  readonly entries: WeakMap<object, EntryNode>;
  sees(viewer: Viewer, audience: Audience): boolean;
  viewerOf(conn: Watching): Viewer;
}

/** Returns the connections that see an entry. @throws Error if the entry is not part of the state */
export function seersOf<V extends Watching>(tree: Watched, all: readonly V[], entry: object): readonly V[] {
  const node = tree.entries.get(entry);
  if (!node?.isInState) throw new Error("room.broadcast: near has to be an entry of the state");
  const audience = node.placement.audience ?? node.placement.seenBy;
  return audience ? all.filter((conn) => tree.sees(tree.viewerOf(conn), audience)) : all;
}
