import { encodeKeyed } from "../protocol/packets.ts";
import type { Plain } from "../protocol/values.ts";
import { writeJson } from "../protocol/binary/blocks.ts";
import { written } from "../protocol/binary/bytes.ts";
import type { ByteWriter } from "../protocol/binary/bytes.ts";
import { SeenEncoder } from "../protocol/binary/seen-encoder.ts";
import type { IndexedTable } from "../protocol/binary/seen-encoder.ts";
import { put, Replacement } from "./diff.ts";
import type { Interest } from "./interest.ts";
import type { Key } from "./key-rules.ts";
import { addition, merge } from "./merge.ts";
import type { Placed } from "./merge.ts";
import type { EntryNode } from "./node.ts";
import { Part } from "./part.ts";
import type { Relays } from "./relay.ts";
import { seersOf } from "./seers.ts";
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

/** What one connection is sent of a collection whose entries are seen by keys. */
interface OfCollection {
  readonly interest: Interest;
  /** "all" where the whole of what it sees takes the place of what it has. */
  readonly part: Part | "all";
}

/** What one connection is sent of entries that are seen by keys. */
export type Parts = readonly OfCollection[];

/** The collection of an entry, if its entries are seen by keys, and its key there. */
function placeOf(node: EntryNode | undefined): { readonly interest: Interest; readonly key: string } | undefined {
  const { interest } = (node?.parent ?? {}) as { readonly interest?: Interest };
  return interest && { interest, key: node?.names().at(-1) as string };
}

/** Which connections see which entries, in collections where keys say so. */
export class Crowd {
  readonly interests: Interest[] = [];
  readonly #tree: Watched;
  /** When something is due that waits; Infinity if no timer is set. */
  #laterAt = Infinity;
  /** How clients of the binary protocol are told of entries, if there are such clients. */
  wire: SeenEncoder | undefined;
  #cancelLater: (() => void) | undefined;

  constructor(tree: Watched) {
    this.#tree = tree;
  }

  /**
   * What a shard is told that finds out by itself who of its clients sees what.
   * @param idOf the id of a client there @param takesRings whether it takes rings, and the nearest entries
   * @param tables those of the binary protocol, if the shard speaks that
   */
  createShardSights(idOf: (conn: Watching) => number, takesRings: boolean, tables?: () => SeenTables): ShardSights {
    return new ShardSights(idOf, takesRings, tables);
  }

  /** Whether a shard is told once of all that its clients see by keys. */
  isToldBy(relays: Relays): boolean {
    return this.interests.every((interest) => interest.isToldBy(relays));
  }

  /** Whether something is to be delivered that no change of the state tells of. */
  get isStale(): boolean {
    return this.interests.some(({ isStale }) => isStale);
  }

  /**
   * A connection is sent changes from now on.
   * @param isKnown whether it has all that it sees, or gets it now
   * @param isAtRest whether what it was sent depends on nothing that the room forgot as it slept
   */
  enter(conn: Watching, isKnown: boolean, isAtRest = true): void {
    // A spectator has no keys.
    if (conn.isSpectator) return;
    const viewerOf = () => this.#tree.viewerOf(conn);
    for (const interest of this.interests)
      interest.enter(conn, viewerOf, isKnown && (isAtRest || !interest.hasHistory));
    conn.onRemoved = () => this.#leave(conn);
  }

  #leave(conn: Watching): void {
    for (const interest of this.interests) interest.leave(conn);
  }

  /**
   * Sends a packet to those who see an entry, and to those who have one of some keys.
   * @throws Error if the entry is not part of the state
   */
  send<V extends Reachable>(
    connections: AllConnections<V>,
    text: string,
    { near, keys: some }: { readonly near?: object; readonly keys?: Key | readonly Key[] },
    except: ReadonlySet<V>,
    latest?: string,
  ): void {
    const entry = near && placeOf(this.#tree.entries.get(near));
    const keys = some === undefined ? [] : [some].flat();
    // Without those who are told by somebody what they see of the collection.
    const all = connections.all().filter((conn) => !entry?.interest.isRelayed(conn));
    const conns = new Set(near && seersOf(this.#tree, all, near));
    for (const interest of this.interests)
      for (const key of keys) for (const conn of interest.watchersWith(key)) conns.add(conn as V);
    sendToSome(connections, text, { conns, entry, keys }, except, latest);
  }

  /** Calls back when something is due that waits now, if anything does. */
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
   * Begins to deliver what changed: {@link partsOf} says what each connection is sent, until {@link end}.
   * @param now in ms @param isAll whether nothing waits for its time
   */
  begin(now: number, isAll: boolean): void {
    for (const interest of this.interests) interest.begin(now, isAll);
    this.wire?.begin();
    for (const interest of this.wire ? this.interests : []) this.wire?.assign(interest.name, interest.changes);
  }

  /** What a connection is sent in the present delivery. */
  partsOf(conn: Watching): Parts {
    const parts: OfCollection[] = [];
    for (const interest of this.interests) {
      const part = interest.partFor(conn);
      if (part) parts.push({ interest, part });
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

  /** The same as changes like all others. */
  placed(conn: Watching, parts: Parts): Placed[] {
    return parts.flatMap(({ interest, part }): Placed[] => {
      const names = interest.names();
      if (part === "all") return [this.#replacement(conn, interest)];
      return part.sights.map(({ key, value }) => ({ names: [...names, key], value }));
    });
  }

  /** All that a connection is told by itself of what it sees, in place of what it has. */
  replacements(conn: Watching): Placed[] {
    return this.#toldTo(conn).map((interest) => this.#replacement(conn, interest));
  }

  /** The same for one that has nothing. */
  whole(conn: Watching): Placed[] {
    return this.#toldTo(conn).map((interest) => {
      const entries = Array.from(interest.seenBy(conn), ({ key, whole }) => [key, whole.value] as const);
      return { names: interest.names(), value: Object.fromEntries(entries) };
    });
  }

  /** The collections of which a connection is told by itself. */
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
   * Makes packets for single connections. Those who are told the same, and nothing else, get the same one.
   * @param shared what everyone is sent @param text gives it as JSON
   * @param make makes a packet of what gives its patch as JSON, and what follows the shared blocks in the binary protocol
   * @returns takes what a connection sees by keys, and its other private changes
   */
  encoder<T>(
    shared: Readonly<Plain> | undefined,
    text: (() => string) | undefined,
    make: (text: () => string, blocks: (out: ByteWriter) => void) => T,
  ): (conn: Watching, parts: Parts, own: readonly Placed[]) => T {
    const packets = new Map<Part, T>();
    return (conn, parts, own) => {
      const blocks = (out: ByteWriter) => {
        this.#write(out, conn, parts);
        // What only it sees of an entry follows what everybody is told of that.
        if (own.length > 0) writeJson(out, addition(merge(shared, this.placed(conn, parts)), own));
      };
      const isSimple = own.length === 0 && parts.every(({ part }) => part !== "all");
      if (!isSimple) return make(() => JSON.stringify(merge(shared, [...this.placed(conn, parts), ...own])), blocks);
      const only = parts.length === 1 ? parts[0]?.part : undefined;
      const isShared = only instanceof Part && only.isShared;
      const known = isShared ? packets.get(only) : undefined;
      if (known) return known;
      const packet = make(() => encodeKeyed(text?.(), parts.map(membersOf)), blocks);
      if (isShared) packets.set(only, packet);
      return packet;
    };
  }

  /** Connections here begin to speak the binary protocol, with these tables; or none does any more. */
  speak(tables: readonly IndexedTable[] | undefined): void {
    this.wire = tables && new SeenEncoder(tables);
  }

  #write(out: ByteWriter, conn: Watching, parts: Parts): void {
    for (const { interest, part } of parts) {
      const { name } = interest;
      if (part !== "all") {
        this.wire?.write(out, name, part.sights, put);
        continue;
      }
      // After the slots, which make an entry of what this may remove first.
      this.wire?.tellSlots(out, name, keysOf(interest.seenBy(conn)));
      writeJson(out, merge(undefined, [this.#replacement(conn, interest)]));
    }
  }

  /** The tables that a connection has to have before it is told these parts, if it does not have them. */
  tablesFor(conn: Watching, parts: Parts): Uint8Array | undefined {
    const { wire } = this;
    const untold = wire ? parts.filter(({ interest }) => !wire.hasTold(interest.name, conn)) : [];
    if (untold.length === 0) return undefined;
    return written((out) => {
      for (const { interest } of untold) wire?.tell(out, interest.name, conn);
    });
  }

  /** What a connection has to know of the entries that it is sent in its first packet. */
  slotsFor(conn: Watching): Uint8Array {
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

/** A collection with an index is a field of the state itself, and nobody else's changes are in it. */
function membersOf({ interest, part }: OfCollection): readonly [name: string, members: string] {
  return [interest.name, part === "all" ? "" : part.members];
}
