import type { CompiledRoom } from "../../define/room.ts";
import type { RoomHandle, Snapshot } from "../../define/types.ts";
import { isPlain } from "../../state/diff.ts";
import { checkStored } from "../../state/load-fields.ts";
import type { Tree, Waiting } from "../../state/tree.ts";
import type { Socket, Storage } from "../../platform/ports.ts";
import type { Quarantine } from "./quarantine.ts";
import { readRoom } from "./read-room.ts";
import type { Notes, Sources } from "./read-room.ts";
import { assemble, storedEntries } from "./state-rows.ts";
import type { StoredRow } from "./state-rows.ts";

/** What is stored of a room, as this version has it. */
export class StoredRoomReader {
  /** The runtime's own rows. */
  readonly own: readonly StoredRow[];
  /** Those that are open. */
  readonly sockets: readonly Socket[];
  /** Notes the version, where that has to be stored before the first row is. */
  readonly noteVersion: (() => void) | undefined;
  readonly #compiled: CompiledRoom;
  readonly #tree: Tree;
  readonly #storage: Storage;
  readonly #quarantine: Quarantine;
  readonly #fields: readonly StoredRow[];
  readonly #orphans: readonly string[];
  /** The collections whose entries are not read before they are needed. */
  readonly #waiting: ReadonlyMap<string, Waiting>;

  /** @throws Error if it cannot be migrated */
  constructor(compiled: CompiledRoom, tree: Tree, ports: Sources, quarantine: Quarantine, reporter: Notes) {
    this.#compiled = compiled;
    this.#tree = tree;
    this.#storage = ports.storage;
    this.#quarantine = quarantine;
    const { onStorageRestore, onUserStorageRestore } = compiled.definition;
    // Hooks see all that is stored.
    this.#waiting = onStorageRestore || onUserStorageRestore ? new Map() : tree.waiting();
    const found = readRoom(compiled, this.#waiting.keys(), ports, quarantine, reporter);
    this.own = found.own;
    this.sockets = found.sockets;
    this.noteVersion = found.noteVersion;
    this.#fields = found.fields;
    this.#orphans = found.orphans;
  }

  /**
   * Brings the state back.
   * @param isAwake whether clients are still there: if so, what only hibernation brings back comes too
   * @returns whether nothing was stored
   */
  restore(isAwake: boolean, room: RoomHandle): { isNew: boolean; volatileKeys: readonly string[] } {
    const waits = (name: string) => this.#waiting.has(name);
    const { snapshot, volatileKeys, volatile } = assemble(this.#fields, isAwake, waits, this.#quarantine);
    if (snapshot) restoreState(this.#compiled, this.#tree, snapshot, room);
    this.#tree.moveRows(this.#fields);
    let isNew = snapshot === undefined;
    for (const [name, collection] of this.#waiting) {
      const stored = storedEntries(this.#storage, name, volatile, this.#quarantine);
      this.#tree.open(collection, stored);
      isNew &&= stored.isEmpty();
    }
    for (const publicId of this.#orphans) this.#putAside(publicId);
    return { isNew, volatileKeys };
  }

  /** Nobody can come back as a user whose session cannot be read: they would be there for ever. */
  #putAside(publicId: string): void {
    const { users } = this.#tree;
    const user = users?.snapshot(publicId);
    if (!users || !user) return;
    this.#tree.onUnreadable([...users.names(), publicId], user, new Error("The session of this user cannot be read"));
    delete users.signal()[publicId];
  }
}

/** Brings a stored snapshot back into the state, through the definition's restore hooks. */
function restoreState(compiled: CompiledRoom, tree: Tree, stored: Snapshot, room: RoomHandle): void {
  const { onStorageRestore } = compiled.definition;
  const snapshot = onStorageRestore ? onStorageRestore({ snapshot: stored, room }) : stored;
  if (!isPlain(snapshot)) throw new Error("onStorageRestore has to return the snapshot to load");
  tree.quietly(() => restoreUsers(compiled, tree, snapshot, room));
  tree.load(snapshot);
}

function restoreUsers(compiled: CompiledRoom, tree: Tree, snapshot: Snapshot, room: RoomHandle): void {
  const { onUserStorageRestore } = compiled.definition;
  const { users } = tree;
  if (!onUserStorageRestore || !users) return;
  const stored = users.names().reduce<unknown>((node, name) => (isPlain(node) ? node[name] : undefined), snapshot);
  if (!isPlain(stored)) return;
  for (const [publicId, userSnapshot] of Object.entries(stored)) {
    try {
      const user = users.create(publicId) as never;
      // A copy: what the hook changes before it throws is not what was stored.
      const copy: unknown = structuredClone(userSnapshot);
      checkStored(copy);
      const restored = onUserStorageRestore({ userSnapshot: copy, user, publicId, room });
      checkStored(restored);
      stored[publicId] = restored;
    } catch (error) {
      delete stored[publicId];
      delete users.signal()[publicId];
      tree.onUnreadable([...users.names(), publicId], userSnapshot, error);
    }
  }
}
