import type { PatchForms, SharedForms } from "../protocol/encoded-patch.ts";
import { SeenEncoder } from "../protocol/binary/seen-encoder.ts";
import { readTables } from "../protocol/binary/tables.ts";
import type { TableSpec } from "../protocol/binary/tables.ts";
import type { Plain } from "../protocol/values.ts";
import type { Seers, SightChanges } from "./sight-changes.ts";
import { Crowd } from "./crowd.ts";
import type { Clock } from "./crowd.ts";
import type { Parts } from "./part.ts";
import { merge } from "./merge.ts";
import type { Placed } from "./merge.ts";
import type { Watching } from "./view.ts";
import { ToldCollection } from "./told-collection.ts";
import type { ToldViewer } from "./told-index.ts";

const NO_BLOCKS = new Uint8Array(0);

/** A client whose view the room sends. */
class ToldWatcher<C> implements Watching {
  readonly client: C;
  readonly publicId: string;
  readonly auth = null;
  onRemoved: Watching["onRemoved"];
  /** Its view of each collection, by name. */
  readonly from = new Map<string, unknown>();

  constructor(client: C, publicId: string) {
    this.client = client;
    this.publicId = publicId;
  }
}

/** The clients of a shard. */
interface Clients<C> {
  get(id: number): C | undefined;
  publicIdOf(client: C): string;
  /** Whether a client uses the binary protocol. */
  isBinary(client: C): boolean;
  /** Is told what they are to be sent that waited. */
  onDue(parts: ReadonlyMap<C, Parts>): void;
}

/** What clients of a shard see of collections with keyed visibility. The shard decides itself who sees what. */
export class ToldSights<C extends object> {
  readonly #clients: Clients<C>;
  readonly #crowd = new Crowd({ entries: new WeakMap(), sees: () => false, viewerOf: (conn) => viewerOf(conn, "") });
  readonly #wire = new SeenEncoder();
  readonly #collections = new Map<string, ToldCollection>();
  readonly #watchers = new Map<C, ToldWatcher<C>>();
  readonly #clock: Clock;
  /** Whether what waits until it is due waits for the next changes instead. */
  #isHeld = false;

  constructor(clients: Clients<C>, clock: Clock) {
    this.#clients = clients;
    this.#clock = clock;
  }

  /** Whether the room has sent such a collection. */
  get isUsed(): boolean {
    return this.#collections.size > 0;
  }

  /** Whether it knows the collections of these changes, or the changes contain everything. */
  knows(sights: readonly SightChanges[]): boolean {
    return sights.every(({ name, all }) => all !== undefined || this.#collections.has(name));
  }

  /** Takes changes from the room. @returns the changes for each client that was already there */
  take(sights: readonly SightChanges[]): ReadonlyMap<C, Parts> {
    const newcomers: (() => void)[] = [];
    for (const changes of sights) {
      const collection = changes.all ? this.#begin(changes.name, changes.all) : this.#collections.get(changes.name);
      collection?.take(changes);
      for (const [id, from] of changes.viewers) {
        const client = collection && this.#clients.get(id);
        if (!client) continue;
        const watcher = this.#watcherOf(client);
        const isNew = !watcher.from.has(collection.name);
        watcher.from.set(collection.name, from);
        const { interest } = collection;
        if (isNew) newcomers.push(() => interest.enter(watcher, () => viewerOf(watcher, collection.name), true));
        else interest.looksElsewhere(watcher);
      }
    }
    if (sights.length > 0) this.#isHeld = sights.some(({ isAll, isHeld }) => isAll || isHeld);
    const parts = this.deliver(sights.some(({ isAll }) => isAll));
    // The entries of a collection have no slots until a client gets them.
    for (const { all } of sights) if (all?.table) this.#learnTable(...all.table);
    // They have everything that they see, or get it with their first packet.
    for (const enter of newcomers) enter();
    return parts;
  }

  #learnTable(index: number, spec: TableSpec): void {
    for (const table of readTables([spec])) this.#wire.add([index, table]);
  }

  /** The changes to send to clients now. @param isAll whether changes of farther rings are sent too */
  deliver(isAll: boolean): ReadonlyMap<C, Parts> {
    const parts = new Map<C, Parts>();
    if (this.#isHeld && !isAll) return parts;
    this.#crowd.begin(this.#clock.now(), isAll);
    for (const [client, watcher] of this.#watchers) {
      const own = this.#crowd.partsOf(watcher);
      if (own.length > 0) parts.set(client, own);
    }
    this.#crowd.end();
    if (!this.#isHeld) this.#crowd.later(this.#clock, () => this.#clients.onDue(this.deliver(false)));
    return parts;
  }

  /** Makes packets for single clients: see {@link Crowd.encoder}. */
  encoder<T>(patch: Plain | undefined, forms: SharedForms | undefined, make: (forms: PatchForms) => T) {
    const encode = this.#crowd.encoder(patch, forms, make);
    return (client: C, parts: Parts, own: readonly Placed[]) => encode(this.#watcherOf(client), parts, own);
  }

  /** See {@link Crowd.tablesFor}. */
  tablesFor(client: C, parts: Parts): Uint8Array<ArrayBuffer> | undefined {
    return this.#crowd.tablesFor(this.#watcherOf(client), parts);
  }

  /** What a client of the binary protocol needs to know about the entries in its first packet. */
  slotsFor(client: C): Uint8Array {
    const watcher = this.#watchers.get(client);
    return watcher ? this.#crowd.slotsFor(watcher) : NO_BLOCKS;
  }

  /** Everything that a client sees, for a client that has nothing. */
  whole(client: C): Placed[] {
    const watcher = this.#watchers.get(client);
    return watcher ? this.#crowd.whole(watcher) : [];
  }

  /** The same as plain data. Undefined if there are no such collections. */
  plain(client: C): Plain | undefined {
    return this.isUsed ? merge(undefined, this.whole(client)) : undefined;
  }

  /** Everything that a client sees, as a replacement of what it has. */
  replacements(client: C): Placed[] {
    const watcher = this.#watchers.get(client);
    return watcher ? this.#crowd.replacements(watcher) : [];
  }

  /** The clients that see an entry, or that have one of some keys. */
  seersOf({ entry, keys }: Seers): ReadonlySet<C> {
    const found = new Set<Watching>();
    const interest = entry && this.#collections.get(entry[0])?.interest;
    for (const watcher of interest?.watchersOf(entry?.[1] ?? "") ?? []) found.add(watcher);
    for (const { interest: each } of this.#collections.values())
      for (const key of keys) for (const watcher of each.watchersWith(key)) found.add(watcher);
    return new Set(Array.from(found, (watcher) => (watcher as ToldWatcher<C>).client));
  }

  forget(client: C): void {
    const watcher = this.#watchers.get(client);
    if (!watcher) return;
    this.#watchers.delete(client);
    for (const { interest } of this.#collections.values()) interest.leave(watcher);
  }

  /** Replaces a collection by what the room sent. */
  #begin(name: string, all: NonNullable<SightChanges["all"]>): ToldCollection {
    const collection = new ToldCollection(name, all);
    const { interests } = this.#crowd;
    const before = interests.findIndex((interest) => interest.name === name);
    interests.splice(before < 0 ? interests.length : before, 1, collection.interest);
    this.#collections.set(name, collection);
    for (const { from } of this.#watchers.values()) from.delete(name);
    return collection;
  }

  #watcherOf(client: C): ToldWatcher<C> {
    let watcher = this.#watchers.get(client);
    if (watcher) return watcher;
    if (this.#clients.isBinary(client)) this.#crowd.wire = this.#wire;
    this.#watchers.set(client, (watcher = new ToldWatcher(client, this.#clients.publicIdOf(client))));
    return watcher;
  }
}

function viewerOf(watching: Watching, name: string): ToldViewer {
  const { publicId, from } = watching as ToldWatcher<unknown>;
  return { publicId, auth: null, user: undefined, from: from.get(name) };
}
