import type { PatchForms, SharedForms } from "../protocol/encoded-patch.ts";
import { encodeSync } from "../protocol/packets.ts";
import type { Plain } from "../protocol/values.ts";
import { writeJson } from "../protocol/binary/blocks.ts";
import { written } from "../protocol/binary/bytes.ts";
import type { ByteWriter } from "../protocol/binary/bytes.ts";
import { withText } from "../protocol/binary/frame-text.ts";
import { writeSyncFrame } from "../protocol/binary/frames.ts";
import { SeenEncoder } from "../protocol/binary/seen-encoder.ts";
import type { IndexedTable } from "../protocol/binary/seen-encoder.ts";
import { put, Replacement } from "./diff.ts";
import type { Interest } from "./interest.ts";
import { listOf } from "./key-index.ts";
import type { Key } from "./key-rules.ts";
import { merge } from "./merge.ts";
import type { Placed } from "./merge.ts";
import type { EntryNode } from "./node.ts";
import { ForAll, OwnForms } from "./own-forms.ts";
import type { Part, Parts } from "./part.ts";
import type { Relays } from "./relay.ts";
import { NO_KEYS, seersOf } from "./seers.ts";
import type { Watched } from "./seers.ts";
import { sendToSome } from "./send-to-some.ts";
import type { AllConnections, Reachable } from "./send-to-some.ts";
import { ShardSights } from "./shard-sights.ts";
import type { SeenTables } from "./wire-tables.ts";
import type { Watching } from "./view.ts";

/** Calls back when something is due. */
export interface Clock {
  now(): number;
  after(ms: number, run: () => void, why: string): () => void;
}

const NOTHING: Parts = [];

/** An entry with keyed visibility. */
interface Keyed {
  readonly interest: Interest;
  readonly key: string;
}

/** Decides which connections see which entries of collections with keyed visibility. */
export class Crowd {
  readonly interests: Interest[] = [];
  readonly #tree: Watched;
  /** When the next delayed change is due. Infinity without a timer. */
  #laterAt = Infinity;
  /** Encodes entries for clients of the binary protocol, if there are such clients. */
  wire: SeenEncoder | undefined;
  #cancelLater: (() => void) | undefined;

  constructor(tree: Watched) {
    this.#tree = tree;
  }

  /**
   * Makes the messages for a shard that decides itself which of its clients see what.
   * @param idOf returns the id of a client there @param takesRings whether it supports rings and the nearest entries
   * @param tables the tables of the binary protocol, if the shard supports it
   */
  createShardSights(idOf: (conn: Watching) => number, takesRings: boolean, tables?: () => SeenTables): ShardSights {
    return new ShardSights(idOf, takesRings, tables);
  }

  /** Whether a shard is told once of all that its clients see by keys. */
  isToldBy(relays: Relays): boolean {
    return this.interests.every((interest) => interest.isToldBy(relays));
  }

  /** Whether there is something to deliver without a change of the state. */
  get isStale(): boolean {
    return this.interests.some(({ isStale }) => isStale);
  }

  /**
   * A connection gets changes from now on.
   * @param isKnown whether it has everything that it sees, or gets it now
   * @param isAtRest whether what it has does not depend on anything that the room forgot while it hibernated
   */
  enter(conn: Watching, isKnown: boolean, isAtRest = true): void {
    // Spectators have no keys.
    if (conn.isSpectator) return;
    for (const interest of this.interests)
      interest.enter(conn, this.#viewerOf, isKnown && (isAtRest || !interest.hasHistory));
    conn.onRemoved = this.#leave;
  }

  readonly #viewerOf = (conn: Watching) => this.#tree.viewerOf(conn);

  readonly #leave = (conn: Watching) => {
    for (const interest of this.interests) interest.leave(conn);
  };

  /**
   * Sends a packet to the clients that see an entry, or that have one of some keys.
   * @throws Error if the entry is not part of the state, or there are keys, but no collection has any
   */
  send<V extends Reachable>(
    connections: AllConnections<V>,
    text: string,
    to: { readonly near?: object; readonly keys?: Key | readonly Key[] },
    except: ReadonlySet<V>,
    latest?: string,
  ): void {
    const near = "near" in to ? [to.near as object] : [];
    const [entry] = near.map((target) => this.#around(this.#tree.entries.get(target)));
    const keys = listOf(to.keys);
    if ("keys" in to && !this.interests.some(({ index }) => index.rule === "keys")) throw new Error(NO_KEYS);
    const conns = new Set(near.flatMap((target) => this.#seersOf(connections.all(), target, entry)));
    for (const interest of this.interests)
      for (const key of keys) for (const conn of interest.watchersWith(key)) conns.add(conn as V);
    sendToSome(connections, text, { conns, entry, keys }, except, latest);
  }

  /**
   * The connections that see a target, without those whose shard decides what they see. Watchers are found by the keyed
   * entry around it; only the other connections are asked one by one. A new entry is in no index yet.
   */
  #seersOf<V extends Watching>(all: readonly V[], target: object, entry: Keyed | undefined): readonly V[] {
    const isIndexed = entry?.interest.entries.get(entry.key) !== undefined;
    const asked = all.filter((conn) => {
      const watcher = entry?.interest.watcherOf(conn);
      return !watcher || (!isIndexed && !watcher.isRelayed);
    });
    const seers = seersOf(this.#tree, asked, target);
    if (!entry || !isIndexed) return seers;
    const watchers = [...entry.interest.watchersOf(entry.key)] as V[];
    return seers.concat(watchers.filter((conn) => !entry.interest.watcherOf(conn)?.isRelayed));
  }

  /** The keyed entry that is, or contains, a node, if both are visible to the same clients. */
  #around(node: EntryNode | undefined): Keyed | undefined {
    if (!node || node.placement.audience) return undefined;
    const [name, key] = node.names();
    const interest = this.interests.find((one) => one.name === name);
    return interest && { interest, key: key as string };
  }

  /** From now on changes are delivered by hand, or automatically again. What waits for its ring is part of them. */
  switched(): void {
    this.#cancelLater?.();
    this.#laterAt = Infinity;
    for (const interest of this.interests) interest.switched();
  }

  /** Calls back when the next delayed change is due, if there is one. */
  later(clock: Clock, onDue: () => void): void {
    const dueAt = Math.min(...this.interests.map((interest) => interest.dueAt));
    if (dueAt >= this.#laterAt) return;
    this.#cancelLater?.();
    this.#laterAt = dueAt;
    const run = () => {
      this.#laterAt = Infinity;
      this.#cancelLater = undefined;
      for (const interest of this.interests) interest.wake(clock.now());
      onDue();
    };
    this.#cancelLater = clock.after(Math.max(dueAt - clock.now(), 0), run, "crowd");
  }

  /**
   * Starts a delivery of changes. Until {@link end}, {@link partsOf} returns the changes of each connection.
   * @param now in ms @param isAll whether to deliver delayed changes too
   */
  begin(now: number, isAll: boolean): void {
    for (const interest of this.interests) interest.begin(now, isAll);
    this.wire?.begin();
    for (const { name, changes, number, toldIn } of this.wire ? this.interests : [])
      this.wire?.assign(name, changes, number, toldIn);
  }

  /** The changes of a connection in this delivery. */
  partsOf(conn: Watching): Parts {
    let parts: Parts = NOTHING;
    for (const interest of this.interests) {
      const part = interest.partFor(conn);
      if (!part) continue;
      // An array that grows by `push` has room for 16 more. This is done for each connection of a crowd, and `concat` and
      // `Array.of` take several times as long as a literal.
      parts = parts === NOTHING ? [part] : [...parts, part];
    }
    return parts;
  }

  end(): void {
    for (const interest of this.interests) {
      const name = interest.name;
      if (this.wire) for (const key of interest.removed) this.wire.release(name, key);
      interest.end();
    }
  }

  /** The same in the form of other changes. */
  placed(conn: Watching, parts: Parts): Placed[] {
    return parts.flatMap(({ name, sights, isAll }): Placed[] =>
      isAll
        ? [this.#replacement(conn, this.#named(name))]
        : sights.map(({ key, value }) => ({ names: [name, key], value })),
    );
  }

  /** Everything that a connection sees in the collections that it gets directly, as a replacement of what it has. */
  replacements(conn: Watching): Placed[] {
    return this.#toldTo(conn).map((interest) => this.#replacement(conn, interest));
  }

  /** The same for a connection that has nothing. */
  whole(conn: Watching): Placed[] {
    return this.#toldTo(conn).map((interest) => {
      const entries = Array.from(interest.seenBy(conn), ({ key, whole }) => [key, whole.value] as const);
      return { names: interest.names(), value: Object.fromEntries(entries) };
    });
  }

  #named(name: string): Interest {
    return this.interests.find((interest) => interest.name === name) as Interest;
  }

  /** The collections that a connection gets directly, not through a shard. */
  #toldTo(conn: Watching): Interest[] {
    return this.interests.filter((interest) => !interest.relayTo(conn));
  }

  #replacement(conn: Watching, interest: Interest): Placed {
    const viewer = this.#tree.viewerOf(conn);
    const valueOf = (node: EntryNode) =>
      JSON.parse(node.textFor((audience) => this.#tree.sees(viewer, audience))) as unknown;
    const entries = Array.from(interest.seenBy(conn), ({ key, node }) => [key, node ? valueOf(node) : {}] as const);
    return { names: interest.names(), value: new Replacement(Object.fromEntries(entries)) };
  }

  /**
   * Makes packets for single connections. Connections with the same changes, and no others, share a packet.
   * @param patch the patch for everyone, if any @param forms its forms
   * @returns a function of the keyed changes and the other private changes of a connection
   */
  encoder<T>(
    patch: Readonly<Plain> | undefined,
    forms: SharedForms | undefined,
    make: (forms: PatchForms) => T,
  ): (conn: Watching, parts: Parts, own: readonly Placed[]) => T {
    const forAll = new ForAll(patch, forms);
    const packets = new Map<Part, T>();
    return (conn, parts, own) => {
      const only = own.length === 0 && parts.length === 1 ? parts[0] : undefined;
      const shared = only?.isShared ? only : undefined;
      const known = shared && packets.get(shared);
      if (known) return known;
      const packet = make(new OwnForms(this, forAll, conn, parts, own));
      if (shared) packets.set(shared, packet);
      return packet;
    };
  }

  /**
   * Sets the tables for connections of the binary protocol here. Undefined if there are no such connections any more.
   */
  speak(tables: readonly IndexedTable[] | undefined): void {
    this.wire = tables && new SeenEncoder(tables);
  }

  /** Writes the keyed changes of a connection as blocks of the binary protocol. */
  write(out: ByteWriter, conn: Watching, parts: Parts): void {
    for (const { name, sights, isAll } of parts) {
      if (!isAll) {
        this.wire?.write(out, name, sights, put);
        continue;
      }
      const interest = this.#named(name);
      // After the slots: those make an entry of which this may remove something first.
      this.wire?.tellSlots(out, name, keysOf(interest.seenBy(conn)));
      writeJson(out, merge(undefined, [this.#replacement(conn, interest)]));
    }
  }

  /**
   * A frame with the tables that a connection needs for these changes and does not have yet. Connections share packets,
   * so tables have one of their own.
   */
  tablesFor(conn: Watching, parts: Parts): Uint8Array<ArrayBuffer> | undefined {
    const { wire } = this;
    const untold = wire ? parts.filter(({ name }) => !wire.hasTold(name, conn)) : [];
    if (untold.length === 0) return undefined;
    const tables = written((out) => {
      for (const { name } of untold) wire?.tell(out, name, conn);
    });
    return withText(writeSyncFrame({}, tables), () => encodeSync("{}"));
  }

  /** What a connection needs to know about the entries in its first packet. */
  slotsFor(conn: Watching): Uint8Array {
    this.wire?.forget(conn);
    return written((out) => {
      for (const interest of this.interests) {
        const { name } = interest;
        const keys = keysOf(interest.seenBy(conn));
        if (keys.length === 0) continue;
        this.wire?.tell(out, name, conn);
        this.wire?.tellSlots(out, name, keys);
      }
    });
  }
}

function keysOf(entries: Iterable<{ readonly key: string }>): string[] {
  return Array.from(entries, ({ key }) => key);
}
