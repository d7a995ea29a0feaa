import type { CompiledRoom } from "../define/room.ts";
import type { RoomHandle, Snapshot } from "../define/types.ts";
import { isPlain } from "../state/diff.ts";
import type { Tree } from "../state/tree.ts";

/** Brings a stored snapshot back into the state, through the definition's restore hooks. */
export function restoreState(compiled: CompiledRoom, tree: Tree, stored: Snapshot, room: RoomHandle): void {
  const { onStorageRestore } = compiled.definition;
  const snapshot = onStorageRestore ? onStorageRestore({ snapshot: stored, room }) : stored;
  if (!isPlain(snapshot)) throw new Error("onStorageRestore has to return the snapshot to load");
  restoreUsers(compiled, tree, snapshot, room);
  tree.load(snapshot);
}

function restoreUsers(compiled: CompiledRoom, tree: Tree, snapshot: Snapshot, room: RoomHandle): void {
  const { onUserStorageRestore } = compiled.definition;
  if (!onUserStorageRestore || !tree.users) return;
  const stored = tree.users.names().reduce<unknown>((node, name) => (isPlain(node) ? node[name] : undefined), snapshot);
  if (!isPlain(stored)) return;
  tree.loading = true;
  for (const [publicId, userSnapshot] of Object.entries(stored)) {
    const user = tree.users.create(publicId);
    stored[publicId] = onUserStorageRestore({
      userSnapshot: userSnapshot as Snapshot,
      user: user as never,
      publicId,
      room,
    });
  }
}
