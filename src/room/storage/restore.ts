import type { CompiledRoom } from "../../define/room.ts";
import type { RoomHandle, Snapshot } from "../../define/types.ts";
import { isPlain, valueAt } from "../../protocol/values.ts";
import { checkStored } from "../../state/value-checks.ts";
import type { Tree } from "../../state/tree.ts";
import type { Storage } from "../../platform/ports.ts";
import type { Quarantine } from "./quarantine.ts";
import type { StoredRoom } from "./read-room.ts";
import { assemble, storedEntries } from "./state-rows.ts";

/** What restoring needs of the room. */
export interface RestoreScope {
  readonly compiled: CompiledRoom;
  readonly tree: Tree;
  readonly storage: Storage;
  readonly quarantine: Quarantine;
  readonly room: RoomHandle;
}

/** What a restored state tells the room. */
export interface Restored {
  /** Whether nothing was stored. */
  readonly isNew: boolean;
  /** Rows of values that only hibernation brings back. */
  readonly volatileKeys: readonly string[];
}

/**
 * Brings the state back.
 * @param isAwake whether clients are still there: if so, what only hibernation brings back comes too
 */
export function restoreRoom(stored: StoredRoom, isAwake: boolean, scope: RestoreScope): Restored {
  const { tree, storage, quarantine } = scope;
  const { fields, waiting, own } = stored;
  const { snapshot, volatileKeys, volatile } = assemble(fields, isAwake, (name) => waiting.has(name), quarantine);
  if (snapshot) restoreState(scope, snapshot);
  tree.moveRows(fields);
  let isNew = snapshot === undefined;
  for (const [name, collection] of waiting) {
    const entries = storedEntries(storage, name, volatile, quarantine);
    tree.openUnread(collection, entries);
    isNew &&= entries.isEmpty();
  }
  for (const publicId of own.orphans) quarantineUser(tree, publicId);
  return { isNew, volatileKeys };
}

/** Nobody can come back as a user whose session cannot be read: they would be there for ever. */
function quarantineUser(tree: Tree, publicId: string): void {
  const { users } = tree;
  const user = users?.snapshot(publicId);
  if (!users || !user) return;
  tree.onUnreadable([...users.names(), publicId], user, new Error("The session of this user cannot be read"));
  delete users.signal()[publicId];
}

/** Brings a stored snapshot back into the state, through the definition's restore hooks. */
function restoreState(scope: RestoreScope, stored: Snapshot): void {
  const { onStorageRestore } = scope.compiled.definition;
  const snapshot = onStorageRestore ? onStorageRestore({ snapshot: stored, room: scope.room }) : stored;
  if (!isPlain(snapshot)) throw new Error("onStorageRestore has to return the snapshot to load");
  scope.tree.quietly(() => restoreUsers(scope, snapshot));
  scope.tree.load(snapshot);
}

function restoreUsers(scope: RestoreScope, snapshot: Snapshot): void {
  const { onUserStorageRestore } = scope.compiled.definition;
  const { tree } = scope;
  const { users } = tree;
  if (!onUserStorageRestore || !users) return;
  const stored = valueAt(snapshot, users.names());
  if (!isPlain(stored)) return;
  for (const [publicId, userSnapshot] of Object.entries(stored)) {
    try {
      // A copy: what the hook changes before it throws is not what was stored.
      const copy: unknown = structuredClone(userSnapshot);
      checkStored(copy);
      const user = users.create(publicId, copy) as never;
      const restored = onUserStorageRestore({ userSnapshot: copy, user, publicId, room: scope.room });
      checkStored(restored);
      stored[publicId] = restored;
    } catch (error) {
      delete stored[publicId];
      delete users.signal()[publicId];
      tree.onUnreadable([...users.names(), publicId], userSnapshot, error);
    }
  }
}
