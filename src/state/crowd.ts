import { encodeKeyed } from "../protocol/packets.ts";
import type { Plain } from "../protocol/values.ts";
import type { Audience } from "./audience.ts";
import { Replacement } from "./diff.ts";
import type { Interest, Sight } from "./interest.ts";
import type { Key } from "./key-rules.ts";
import { merge } from "./merge.ts";
import type { Placed } from "./merge.ts";
import type { EntryNode } from "./node.ts";
import type { Viewer } from "./viewer.ts";

/** The state, as far as it matters who sees its entries. */
interface Watched {
  readonly entries: WeakMap<object, EntryNode>;
  sees(viewer: Viewer, audience: Audience): boolean;
  viewerOf(conn: Watching): Viewer;
}

/** A connection of a client. */
export interface Watching {
  readonly publicId: string;
  readonly auth: Viewer["auth"];
  /** Called when it is not among the room's connections any more. */
  onRemoved: (() => void) | undefined;
}

/** What one connection is sent of a collection whose entries are seen by keys. */
interface Part {
  readonly interest: Interest<Watching>;
  /** Undefined where the whole of what it sees takes the place of what it has. */
  readonly sights: readonly Sight[] | undefined;
}

/** What one connection is sent of entries that are seen by keys. */
export type Parts = readonly Part[];

/** Which connections see which entries, in collections where keys say so. */
export class Crowd {
  readonly interests: Interest<Watching>[] = [];
  readonly #tree: Watched;

  constructor(tree: Watched) {
    this.#tree = tree;
  }

  /** Whether something is to be delivered that no change of the state tells of. */
  get isStale(): boolean {
    return this.interests.some(({ isStale }) => isStale);
  }

  /**
   * A connection is sent changes from now on.
   * @param isKnown whether it has all that it sees, or gets it now
   * @param hasStayed whether it was here before the room slept
   */
  enter(conn: Watching, isKnown: boolean, hasStayed = false): void {
    const viewerOf = () => this.#tree.viewerOf(conn);
    for (const interest of this.interests) {
      interest.enter(conn, conn.publicId, viewerOf, isKnown && !(hasStayed && interest.hasHistory));
    }
    conn.onRemoved = () => this.#leave(conn);
  }

  #leave(conn: Watching): void {
    for (const interest of this.interests) interest.leave(conn);
  }

  /**
   * The connections that see an entry, and those that have some keys.
   * @throws Error if the entry is not part of the state
   */
  connectionsOf<V extends Watching>(
    all: readonly V[],
    { near, keys }: { near?: object; keys?: Key | readonly Key[] },
  ): ReadonlySet<V> {
    const found = new Set<V>();
    if (near !== undefined) for (const conn of this.#seersOf(all, near)) found.add(conn);
    const list = keys === undefined ? [] : [keys].flat();
    if (list.length > 0)
      for (const interest of this.interests) for (const conn of interest.watchersWith(list)) found.add(conn as V);
    return found;
  }

  #seersOf<V extends Watching>(all: readonly V[], entry: object): readonly V[] {
    const node = this.#tree.entries.get(entry);
    if (!node?.isInState) throw new Error("room.broadcast: what is near has to be an entry of the state");
    const audience = node.placement.audience ?? node.placement.seenBy;
    return audience ? all.filter((conn) => this.#tree.sees(this.#tree.viewerOf(conn), audience)) : all;
  }

  /** Takes what each connection is to be sent. */
  deliver(): ReadonlyMap<Watching, Parts> {
    const parts = new Map<Watching, Part[]>();
    const add = (conn: Watching, part: Part) => {
      const own = parts.get(conn);
      if (own) own.push(part);
      else parts.set(conn, [part]);
    };
    for (const interest of this.interests) {
      const sights = interest.deliver((conn) => add(conn, { interest, sights: undefined }));
      for (const [conn, own] of sights) add(conn, { interest, sights: own });
    }
    return parts;
  }

  /** The same as changes like all others. */
  placed(conn: Watching, parts: Parts): Placed[] {
    return parts.flatMap(({ interest, sights }): Placed[] => {
      const names = interest.names();
      if (!sights) return [this.#replacement(conn, interest)];
      return sights.map(({ key, value }) => ({ names: [...names, key], value: JSON.parse(value) as unknown }));
    });
  }

  /** All that a connection sees, in place of what it has. */
  replacements(conn: Watching): Placed[] {
    return this.interests.map((interest) => this.#replacement(conn, interest));
  }

  /** All that a connection sees, for one that has nothing. */
  whole(conn: Watching): Placed[] {
    return this.interests.flatMap((interest) => {
      const names = interest.names();
      return Array.from(interest.seenBy(conn), ([key, node]) => ({
        names: [...names, key],
        value: JSON.parse(node.textFor(() => false)) as unknown,
      }));
    });
  }

  #replacement(conn: Watching, interest: Interest<Watching>): Placed {
    const viewer = this.#tree.viewerOf(conn);
    const valueOf = (node: EntryNode) =>
      JSON.parse(node.textFor((audience) => this.#tree.sees(viewer, audience))) as unknown;
    const entries = Array.from(interest.seenBy(conn), ([key, node]) => [key, valueOf(node)] as const);
    return { names: interest.names(), value: new Replacement(Object.fromEntries(entries)) };
  }

  /** A patch for one connection, as JSON. @param shared what everyone is sent, as JSON too @param own its private changes */
  encode(
    conn: Watching,
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
