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
 * The timeout of restore hooks, in ms. No event is handled meanwhile, and the runtime ends an object that holds events
 * back for 30 seconds. https://developers.cloudflare.com/durable-objects/api/state/#blockconcurrencywhile
 */
const LONGEST_RESTORE = 20_000;

/** The parts of the room that restoring needs. */
export interface RestoreScope {
  readonly compiled: CompiledRoom;
  readonly tree: Tree;
  readonly storage: Pick<Journal, "atStart">;
  readonly clock: Clock;
  readonly quarantine: Quarantine;
  readonly room: RoomHandle;
}

/** What the room needs to know about the restored state. */
export interface Restored {
  /** Whether nothing was stored. */
  readonly isNew: boolean;
  /** Rows of values that only hibernation restores. */
  readonly volatileKeys: readonly string[];
}

/**
 * Restores the state.
 * @param isAwake whether clients are still connected. Then volatile values are restored too
 * @returns a promise only if a restore hook does. It rejects with errors, and if the hooks take too long.
 */
export function restoreRoom(stored: StoredRoom, isAwake: boolean, scope: RestoreScope): Restored | Promise<Restored> {
  const { tree, quarantine, clock } = scope;
  const { snapshot, ...found } = assemble(stored.fields, isAwake, (name) => stored.waiting.has(name), quarantine);
  const restored = snapshot && restoreState(scope, snapshot);
  const finish = () => restoreRest(stored, found, snapshot === undefined, scope);
  if (!restored) return finish();
  const tooLong = () => new Error(`The restore hooks were not done in ${LONGEST_RESTORE / 1000} seconds`);
  // Values that a hook sets are part of the restored state, not changes.
  tree.loading = true;
  return within(LONGEST_RESTORE, restored, tooLong, clock)
    .finally(() => (tree.loading = false))
    .then(finish);
}

/** The fields exist: loads the rest of the stored state. */
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

/** A user with an unreadable session could never reconnect, and would stay forever. */
function quarantineUser(tree: Tree, publicId: string): void {
  const { users } = tree;
  const user = users?.snapshotOf(publicId);
  if (!users || !user) return;
  tree.onUnreadable([...users.names(), publicId], user, new Error("The session of this user cannot be read"));
  delete users.signal()[publicId];
}

/** Loads a stored snapshot into the state, through the definition's restore hooks. */
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

/** Replaces the stored values of a user by the values to load, or quarantines the user. Never rejects. */
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
    // A copy, since the hook may change it before it throws.
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
