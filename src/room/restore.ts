import type { CompiledRoom } from "../define/room.ts";
import type { RoomHandle, Snapshot } from "../define/types.ts";
import { isPlain } from "../state/diff.ts";
import type { Tree, Waiting } from "../state/tree.ts";
import type { Storage } from "./ports.ts";
import { assemble, partition, readRows, storedEntries } from "./stored-state.ts";
import type { StoredRow } from "./stored-state.ts";

/** What is stored of a room. */
export class Stored {
  /** The runtime's own rows. */
  readonly own: readonly StoredRow[];
  readonly #compiled: CompiledRoom;
  readonly #tree: Tree;
  readonly #storage: Storage;
  readonly #fields: readonly StoredRow[];
  /** The collections whose entries are not read before they are needed. */
  readonly #waiting: ReadonlyMap<string, Waiting>;

  constructor(compiled: CompiledRoom, tree: Tree, storage: Storage) {
    this.#compiled = compiled;
    this.#tree = tree;
    this.#storage = storage;
    const { onStorageRestore, onUserStorageRestore } = compiled.definition;
    // Hooks see all that is stored.
    this.#waiting = onStorageRestore || onUserStorageRestore ? new Map() : tree.waiting();
    const { own, fields } = partition(readRows(storage, this.#waiting.keys()));
    this.own = own;
    this.#fields = fields;
  }

  /**
   * Brings the state back.
   * @param didSleep whether clients are still there: if so, what only hibernation brings back comes too
   * @returns whether nothing was stored
   */
  restore(didSleep: boolean, room: RoomHandle): { isNew: boolean; volatileKeys: readonly string[] } {
    const { snapshot, volatileKeys, volatile } = assemble(this.#fields, didSleep, (name) => this.#waiting.has(name));
    if (snapshot) restoreState(this.#compiled, this.#tree, snapshot, room);
    let isNew = snapshot === undefined;
    for (const [name, collection] of this.#waiting) {
      const stored = storedEntries(this.#storage, name, volatile);
      this.#tree.open(collection, stored);
      isNew &&= stored.isEmpty();
    }
    return { isNew, volatileKeys };
  }
}

/** Brings a stored snapshot back into the state, through the definition's restore hooks. */
function restoreState(compiled: CompiledRoom, tree: Tree, stored: Snapshot, room: RoomHandle): void {
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
