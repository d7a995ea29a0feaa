import type { CompiledRoom } from "../../define/room.ts";
import type { RoomHandle, Snapshot } from "../../define/types.ts";
import type { Clock } from "../../platform/ports.ts";
import { within } from "../../platform/timeout.ts";
import { isPlain, promiseOf } from "../../protocol/values.ts";
import { partsOf } from "../../state/group.ts";
import type { GivenUser } from "../../state/restore-users.ts";
import type { Tree } from "../../state/tree.ts";
import type { Journal } from "./journal.ts";
import type { Quarantine } from "./quarantine.ts";
import type { StoredRoom } from "./read-room.ts";
import { assemble } from "./state-rows.ts";
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
    const { storedEntries } = partsOf(collection.entries.field);
    const entries = storedEntries(storage.atStart, name, volatile, quarantine);
    tree.openUnread(collection, entries);
    isNew &&= entries.isEmpty();
  }
  for (const publicId of own.orphans) if (tree.users) partsOf(tree.users.field).quarantineUser(tree, publicId);
  return { isNew, volatileKeys };
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
  const { tree, compiled, room } = scope;
  const { onUserStorageRestore } = compiled.definition;
  const hook =
    onUserStorageRestore && ((given: GivenUser) => onUserStorageRestore({ ...given, user: given.user as never, room }));
  const pending = hook && tree.users && partsOf(tree.users.field).restoreUsers(tree, snapshot, hook);
  if (pending) return pending.then(() => tree.load(snapshot));
  tree.load(snapshot);
  return undefined;
}
