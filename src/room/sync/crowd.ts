import { encodeKeyed } from "../../protocol/packets.ts";
import type { Plain } from "../../protocol/values.ts";
import { Replacement } from "../../state/diff.ts";
import type { Viewer } from "../../state/field.ts";
import type { Interest, Sight } from "../../state/interest.ts";
import { merge } from "../../state/merge.ts";
import type { Placed } from "../../state/merge.ts";
import type { EntryNode } from "../../state/node.ts";
import type { Tree } from "../../state/tree.ts";
import type { Key } from "../../state/key-rules.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";

type Watched = Interest<RoomConnection>;

/** What one connection is sent of a collection whose entries are seen by keys. */
interface Part {
  readonly interest: Watched;
  /** Undefined where the whole of what it sees takes the place of what it has. */
  readonly sights: readonly Sight[] | undefined;
}

/** What one connection is sent of entries that are seen by keys. */
export type Parts = readonly Part[];

/** Which connections see which entries, in collections where keys say so. */
export class Crowd {
  readonly #tree: Tree;
  readonly #connections: Connections;
  readonly #viewerOf: (conn: RoomConnection) => Viewer;

  constructor(tree: Tree, connections: Connections, viewerOf: (conn: RoomConnection) => Viewer) {
    this.#tree = tree;
    this.#connections = connections;
    this.#viewerOf = viewerOf;
  }

  get #interests(): readonly Watched[] {
    return this.#tree.interests as unknown as readonly Watched[];
  }

  /** Whether there are such collections. */
  get isEmpty(): boolean {
    return this.#tree.interests.length === 0;
  }

  /** A connection is sent changes from now on. @param isKnown whether it has all that it sees, or gets it now */
  enter(conn: RoomConnection, isKnown: boolean): void {
    for (const interest of this.#interests) {
      this.#enter(interest, conn, isKnown);
    }
    if (!this.isEmpty) conn.onRemoved = () => this.#leave(conn);
  }

  /** The same, for one that stayed while the room slept. */
  recall(conn: RoomConnection, isKnown: boolean): void {
    for (const interest of this.#interests) {
      this.#enter(interest, conn, isKnown && !interest.hasHistory);
    }
    if (!this.isEmpty) conn.onRemoved = () => this.#leave(conn);
  }

  #enter(interest: Watched, conn: RoomConnection, isKnown: boolean): void {
    interest.enter(conn, conn.publicId, () => this.#viewerOf(conn), isKnown);
  }

  #leave(conn: RoomConnection): void {
    for (const interest of this.#interests) interest.leave(conn);
  }

  /**
   * The connections that see an entry, and those that have some keys.
   * @throws Error if the entry is not part of the state
   */
  connectionsOf({ near, keys }: { near?: object; keys?: Key | readonly Key[] }): ReadonlySet<RoomConnection> {
    const found = new Set<RoomConnection>();
    if (near !== undefined) for (const conn of this.#seersOf(near)) found.add(conn);
    const list = keys === undefined ? [] : [keys].flat();
    if (list.length > 0)
      for (const interest of this.#interests) for (const conn of interest.watchersWith(list)) found.add(conn);
    return found;
  }

  #seersOf(entry: object): RoomConnection[] {
    const node = this.#tree.entries.get(entry);
    if (!node?.isInState) throw new Error("room.broadcast: what is near has to be an entry of the state");
    const audience = node.placement.audience ?? node.placement.seenBy;
    const conns = [...this.#connections.all()];
    return audience ? conns.filter((conn) => this.#tree.sees(this.#viewerOf(conn), audience)) : conns;
  }

  /** Takes what each connection is to be sent. */
  deliver(): ReadonlyMap<RoomConnection, Parts> {
    const parts = new Map<RoomConnection, Part[]>();
    const add = (conn: RoomConnection, part: Part) => {
      const own = parts.get(conn);
      if (own) own.push(part);
      else parts.set(conn, [part]);
    };
    for (const interest of this.#interests) {
      const sights = interest.deliver((conn) => add(conn, { interest, sights: undefined }));
      for (const [conn, own] of sights) add(conn, { interest, sights: own });
    }
    return parts;
  }

  /** The same as changes like all others. */
  placed(conn: RoomConnection, parts: Parts): Placed[] {
    return parts.flatMap(({ interest, sights }): Placed[] => {
      const names = interest.names();
      if (!sights) return [this.#replacement(conn, interest)];
      return sights.map(({ key, value }) => ({ names: [...names, key], value: JSON.parse(value) as unknown }));
    });
  }

  /** All that a connection sees, in place of what it has. */
  replacements(conn: RoomConnection): Placed[] {
    return this.#interests.map((interest) => this.#replacement(conn, interest));
  }

  /** All that a connection sees, for one that has nothing. */
  whole(conn: RoomConnection): Placed[] {
    return this.#interests.flatMap((interest) => {
      const names = interest.names();
      return Array.from(interest.seenBy(conn), ([key, node]) => ({
        names: [...names, key],
        value: JSON.parse(node.textFor(() => false)) as unknown,
      }));
    });
  }

  #replacement(conn: RoomConnection, interest: Watched): Placed {
    const viewer = this.#viewerOf(conn);
    const valueOf = (node: EntryNode) =>
      JSON.parse(node.textFor((audience) => this.#tree.sees(viewer, audience))) as unknown;
    const entries = Array.from(interest.seenBy(conn), ([key, node]) => [key, valueOf(node)] as const);
    return { names: interest.names(), value: new Replacement(Object.fromEntries(entries)) };
  }

  /** A patch for one connection, as JSON. @param shared what everyone is sent, as JSON too @param own its private changes */
  encode(
    conn: RoomConnection,
    parts: Parts,
    shared: Plain | undefined,
    text: string | undefined,
    own: readonly Placed[],
  ): string {
    const isSimple = own.length === 0 && parts.every(({ sights }) => sights !== undefined);
    if (!isSimple) return JSON.stringify(merge(shared, [...this.placed(conn, parts), ...own]));
    // An indexed collection is a field of the state itself, and nobody else's changes are in it.
    const members = parts.map(
      ({ interest, sights }) => [interest.names()[0] as string, (sights ?? []).map((sight) => sight.text)] as const,
    );
    return encodeKeyed(text, members);
  }
}
