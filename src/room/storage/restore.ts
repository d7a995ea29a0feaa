import type { CompiledRoom } from "../../define/room.ts";
import type { RoomHandle, Snapshot } from "../../define/types.ts";
import type { Clock } from "../../platform/ports.ts";
import { within } from "../../platform/timeout.ts";
import { isPlain, promiseOf, valueAt } from "../../protocol/values.ts";
import type { Plain } from "../../protocol/values.ts";
import type { Entries } from "../../state/entries.ts";
import type { Tree } from "../../state/tree.ts";
import { checkStored } from "../../state/value-checks.ts";
import type { Journal } from "./journal.ts";
import type { Quarantine } from "./quarantine.ts";
import type { StoredRoom } from "./read-room.ts";
import { assemble, storedEntries } from "./state-rows.ts";
import type { StoredState } from "./state-rows.ts";

/**
 * Restore hooks that take longer fail, in ms. No event comes in meanwhile, and the runtime ends an object that holds
 * events back for 30 seconds.
 * https://developers.cloudflare.com/durable-objects/api/state/#blockconcurrencywhile
 */
const LONGEST_RESTORE = 20_000;

/** What restoring needs of the room. */
export interface RestoreScope {
  readonly compiled: CompiledRoom;
  readonly tree: Tree;
  readonly storage: Pick<Journal, "atStart">;
  readonly clock: Clock;
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
 * @returns a promise only if a restore hook does. It rejects as this throws, and if the hooks take too long.
 */
export function restoreRoom(stored: StoredRoom, isAwake: boolean, scope: RestoreScope): Restored | Promise<Restored> {
  const { tree, quarantine, clock } = scope;
  const { snapshot, ...found } = assemble(stored.fields, isAwake, (name) => stored.waiting.has(name), quarantine);
  const restored = snapshot && restoreState(scope, snapshot);
  const finish = () => restoreRest(stored, found, snapshot === undefined, scope);
  if (!restored) return finish();
  const tooLong = () => new Error(`The restore hooks were not done in ${LONGEST_RESTORE / 1000} seconds`);
  // What a hook sets meanwhile is part of what is restored, and no change.
  tree.loading = true;
  return within(LONGEST_RESTORE, restored, tooLong, clock)
    .finally(() => (tree.loading = false))
    .then(finish);
}

/** The fields are there: what else is stored of the state follows. */
function restoreRest(
  { fields, waiting, own }: StoredRoom,
  { volatileKeys, volatile }: Omit<StoredState, "snapshot">,
  isEmpty: boolean,
  { tree, storage, quarantine }: RestoreScope,
): Restored {
  let isNew = isEmpty;
  tree.moveRows(fields);
  for (const [name, collection] of waiting) {
    const entries = storedEntries(storage.atStart, name, volatile, quarantine);
    tree.openUnread(collection, entries);
    isNew &&= entries.isEmpty();
  }
  for (const publicId of own.orphans) quarantineUser(tree, publicId);
  return { isNew, volatileKeys };
}

/** Nobody can come back as a user whose session cannot be read: they would be there for ever. */
function quarantineUser(tree: Tree, publicId: string): void {
  const { users } = tree;
  const user = users?.snapshotOf(publicId);
  if (!users || !user) return;
  tree.onUnreadable([...users.names(), publicId], user, new Error("The session of this user cannot be read"));
  delete users.signal()[publicId];
}

/** Brings a stored snapshot back into the state, through the definition's restore hooks. */
function restoreState(scope: RestoreScope, stored: Snapshot): Promise<void> | undefined {
  const { onStorageRestore } = scope.compiled.definition;
  if (!onStorageRestore) return restoreUsers(scope, stored);
  const outcome = onStorageRestore({ snapshot: stored, room: scope.room });
  const load = (snapshot: unknown) => {
    if (!isPlain(snapshot)) throw new Error("onStorageRestore has to return the snapshot to load");
    return restoreUsers(scope, snapshot);
  };
  const pending = promiseOf<unknown>(outcome);
  return pending ? pending.then(load) : load(outcome);
}

function restoreUsers(scope: RestoreScope, snapshot: Snapshot): Promise<void> | undefined {
  const { tree, compiled } = scope;
  const pending = compiled.definition.onUserStorageRestore && runUserHooks(scope, snapshot);
  if (pending) return pending.then(() => tree.load(snapshot));
  tree.load(snapshot);
  return undefined;
}

function runUserHooks(scope: RestoreScope, snapshot: Snapshot): Promise<unknown> | undefined {
  const { tree } = scope;
  const stored = tree.users && valueAt(snapshot, tree.users.names());
  if (!isPlain(stored)) return undefined;
  const restored = tree.quietly(() => Object.keys(stored).map((publicId) => restoreUser(scope, stored, publicId)));
  const pending = restored.filter((each) => each !== undefined);
  return pending.length > 0 ? Promise.all(pending) : undefined;
}

/** Puts what is to be loaded of a user in the place of what is stored, or puts the user aside. Never rejects. */
function restoreUser(
  { compiled, tree, room }: RestoreScope,
  stored: Plain,
  publicId: string,
): Promise<void> | undefined {
  const users = tree.users as Entries;
  const userSnapshot = stored[publicId];
  const take = (restored: unknown) => {
    checkStored(restored);
    stored[publicId] = restored;
  };
  const putAside = (error: unknown) => {
    delete stored[publicId];
    delete users.signal()[publicId];
    tree.onUnreadable([...users.names(), publicId], userSnapshot, error);
  };
  try {
    // A copy: what the hook changes before it throws is not what was stored.
    const copy: unknown = structuredClone(userSnapshot);
    checkStored(copy);
    const user = users.create(publicId, copy) as never;
    const outcome = compiled.definition.onUserStorageRestore?.({ userSnapshot: copy, user, publicId, room });
    const pending = promiseOf<unknown>(outcome);
    if (pending) return pending.then(take).catch(putAside);
    take(outcome);
  } catch (error) {
    putAside(error);
  }
  return undefined;
}
