import { DELETE } from "../protocol/packets.ts";
import type { Plain } from "../protocol/values.ts";
import type { Audience } from "./audience.ts";
import { SAME } from "./diff.ts";
import type { PrivateChange } from "./leaf.ts";
import type { EntryNode, RemovedEntry, Shared } from "./node.ts";
import { continueEntry, goneIds } from "./replaced-entry.ts";
import { sentEntries } from "./sent-entries.ts";
import type { EntriesBefore } from "./sent-entries.ts";
import { Tombstones } from "./tombstones.ts";

/** The part of a collection that its changes need. */
interface Collection {
  readonly shared: Shared;
  readonly audience: Audience | undefined;
  /** Takes the changes of entries with keyed visibility. */
  readonly interest: { changed(key: string, change: unknown): void } | undefined;
  names(): string[];
  audienceOf(key: string): Audience | undefined;
  /** The entry that clients should have, if there is one. */
  settled(key: string): EntryNode | undefined;
}

/** The entries of a collection that changed since the last packet, and what clients had under their keys. */
export class EntryChanges {
  dirty = new Set<string>();
  /** What clients had under the keys whose entry was added, removed or replaced since the last packet. */
  before: EntriesBefore = new Map();
  /** Removed entries that everyone saw. */
  gone = new Tombstones();

  /** Continues from what was sent of the previous collection. */
  continueFrom(previous: EntryChanges, entries: Iterable<[string, EntryNode]>): void {
    this.gone = previous.gone;
    for (const [key, child] of sentEntries(entries, previous.before)) {
      this.before.set(key, child);
      this.dirty.add(key);
    }
  }

  /**
   * Takes the changes since the last time. @returns the patch for everyone, or SAME; private changes are added to
   * `changes`
   */
  settle(collection: Collection, changes: PrivateChange[]): unknown {
    const patch: Plain = {};
    for (const key of this.dirty) {
      const change = this.#trySettleEntry(collection, key, changes);
      if (change === SAME) continue;
      if (collection.interest) collection.interest.changed(key, change);
      else patch[key] = change;
    }
    // New ones, since each old table of a set that is cleared or grows refers to the next one. As soon as one of them is
    // in V8's old generation, all later ones stay until a full collection, with their contents:
    // https://github.com/v8/v8/blob/main/src/objects/ordered-hash-table.h
    this.dirty = new Set();
    this.before = new Map();
    return Object.keys(patch).length > 0 ? patch : SAME;
  }

  /** An entry that throws does not prevent others from being sent. */
  #trySettleEntry(collection: Collection, key: string, changes: PrivateChange[]): unknown {
    try {
      return this.#settleEntry(collection, key, changes);
    } catch (error) {
      collection.shared.onError(error);
      return SAME;
    }
  }

  #settleEntry(collection: Collection, key: string, changes: PrivateChange[]): unknown {
    const child = collection.settled(key);
    const previous = this.before.has(key) ? this.before.get(key) : child;
    if (!child) return previous ? this.#settleRemoval(collection, key, previous, changes) : SAME;
    if (previous === child) return child.settle(changes);
    if (previous) continueEntry(child, previous, changes);
    else this.#born(collection, key, child);
    const change = child.settle(changes);
    // A new entry is sent even if it is empty, unless the collection is hidden.
    return change === SAME && !previous && !collection.audience ? {} : change;
  }

  /** Clients that were away may have another entry under this key. */
  #born({ shared }: Collection, key: string, child: EntryNode): void {
    if (child.isRestored) return;
    child.bornIn = shared.clock;
    if (this.gone.delete(key)) child.ownReplacedIn = shared.clock;
  }

  #settleRemoval(
    collection: Collection,
    key: string,
    previous: EntryNode | RemovedEntry,
    changes: PrivateChange[],
  ): unknown {
    if (collection.interest) return DELETE;
    const audience = collection.audienceOf(key);
    if (!audience) {
      this.gone.add(key, collection.shared.clock, collection.shared.rows.oldest);
      return DELETE;
    }
    const names = [...collection.names(), key];
    changes.push({ names, audience, value: DELETE, leaf: undefined, gone: goneIds(previous) });
    return SAME;
  }
}
