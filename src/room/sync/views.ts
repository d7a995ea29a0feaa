import { DELETE } from "../../protocol/packets.ts";
import type { Audience } from "../../state/audience.ts";
import type { PrivateRemoval } from "../../state/changes-since.ts";
import type { Viewer } from "../../state/field.ts";
import type { Leaf } from "../../state/leaf.ts";
import type { Placed } from "../../state/merge.ts";
import type { Changes, Tree } from "../../state/tree.ts";
import { NONE } from "../connections/identity.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import { HiddenCollections } from "./hidden-collections.ts";
import { Questions } from "./questions.ts";
import { changesFor, Hidden } from "./visibility.ts";

/** Connections with the same private changes. */
export interface ViewerGroup {
  readonly changes: readonly Placed[];
  readonly conns: RoomConnection[];
}

/** The private state that each connection may see, and the part of it that was sent. */
export class Views {
  readonly #tree: Tree;
  readonly #connections: Connections;
  /** Created with the first predicate. */
  #questions: Questions | undefined;
  #wasPending = false;
  #wasManual = false;
  /** Connections that stayed open while the room hibernated with pending changes: it is unknown which fields they saw. */
  readonly #unknown = new WeakSet<RoomConnection>();
  /**
   * Whether there are such connections in a room with keyed visibility. All of them get the next packet, with all of
   * their visible entries, which include what is private in these.
   */
  hasUnknown = false;

  constructor(tree: Tree, connections: Connections) {
    this.#tree = tree;
    this.#connections = connections;
  }

  /** The whole visible state of a connection, as JSON. At a shard, without the entries that the shard shows. */
  textFor(conn: RoomConnection): string {
    const viewer = this.#tree.viewerOf(conn);
    if (!conn.relays) return this.#tree.textFor(viewer);
    return this.#tree.root.textFor((audience) => !audience.isUntracked && this.#tree.sees(viewer, audience));
  }

  /** Notes that a connection is about to get its whole visible state. */
  remember(conn: RoomConnection): void {
    this.#tree.crowd?.enter(conn, true);
    this.#unknown.delete(conn);
    this.#mark(conn);
  }

  /**
   * Restores the views of all connections that stayed open while the room hibernated.
   * @param wasPending whether changes were pending @param wasManual whether `autoSync` was off
   */
  assume(wasPending: boolean, wasManual: boolean): void {
    this.#wasPending = wasPending;
    this.#wasManual = wasManual;
    for (const conn of this.#connections.all()) this.recall(conn);
  }

  /** Restores the view of a client that stayed connected while the room hibernated. */
  recall(conn: RoomConnection): void {
    // With `autoSync`, the room hibernates only when visibility has settled, at least for its own sockets.
    this.#tree.crowd?.enter(conn, !this.#wasPending, !this.#wasManual && !conn.isRemote);
    if (!this.#wasPending) return this.#mark(conn);
    this.#unknown.add(conn);
    this.hasUnknown = this.#tree.crowd !== undefined;
  }

  /**
   * The changes of private fields after a packet, for a client that has this packet. Objects replace the client's
   * values. It is unknown which fields with a predicate the client saw before, so hidden ones are deleted.
   *
   * @param gone removed values that only some clients could see
   */
  privateSince(conn: RoomConnection, seq: number, gone: readonly PrivateRemoval[]): Placed[] {
    return [...this.#privateSince(conn, seq, gone), ...(this.#tree.crowd?.replacements(conn) ?? [])];
  }

  /** @param relays if set, what is private in visible entries with keyed visibility is included: they get the rest */
  #privateSince(conn: RoomConnection, seq: number, gone: readonly PrivateRemoval[], relays?: object): Placed[] {
    const viewer = this.#tree.viewerOf(conn);
    const hidden = new HiddenCollections();
    const changes: Placed[] = [];
    // Removals come first, since another value may replace a removed one.
    for (const { names, audience } of gone) {
      const around = this.#tree.hiddenAround(names);
      if (around?.collection.interest) {
        if (relays && this.#tree.sees(viewer, audience)) changes.push({ names, value: DELETE });
      } else if (around?.audience.dynamic) hidden.add(around.collection);
      else if (this.#mayHave(viewer, audience, around?.audience)) changes.push({ names, value: DELETE });
    }
    for (const leaf of this.#tree.privateLeaves()) {
      const { audience } = leaf;
      if (!audience || (!audience.dynamic && leaf.changedIn <= seq)) continue;
      const wasSent = this.wasSent(conn, viewer, leaf);
      const around = leaf.hiddenEntryAround(() => false);
      const { audience: outer, seenBy } = around?.placement ?? {};
      if (seenBy && !relays) continue;
      if (around && outer?.dynamic) hidden.take(leaf, around, wasSent);
      else if (wasSent) changes.push({ names: leaf.names(), value: leaf.whole });
      else if (this.#mayHave(viewer, audience, outer ?? seenBy)) changes.push({ names: leaf.names(), value: DELETE });
    }
    return [...changes, ...hidden.replacements()];
  }

  /**
   * Whether a viewer may see a field, or could see it before. @param around audience of its entry, if not everyone sees
   * it
   */
  #mayHave(viewer: Viewer, audience: Audience, around: Audience | undefined): boolean {
    return (!around || this.#tree.sees(viewer, around)) && (audience.dynamic || this.#tree.sees(viewer, audience));
  }

  /** Groups connections by their private changes. */
  classify({ private: changes }: Changes): readonly ViewerGroup[] {
    const hidden = new Hidden(changes);
    const concerned = this.hasUnknown ? this.#connections.all() : this.#concerned(changes);
    this.hasUnknown = false;
    const conns = [...concerned].filter(({ phase, isSpectator }) => phase === "open" && !isSpectator);
    if (this.#tree.dynamic.size > 0) this.#questions ??= new Questions(this.#tree);
    this.#questions?.begin(conns);
    const groups = new Map<string, ViewerGroup>();
    for (const conn of conns) {
      const own = this.#unknown.delete(conn) ? this.#allPrivate(conn, changes) : undefined;
      if (!own) this.#group(conn, hidden, groups);
      else if (own.length > 0) groups.set(conn.id, { changes: own, conns: [conn] });
    }
    this.#questions?.end(conns.length);
    return [...groups.values()];
  }

  /**
   * All private fields, for a client of which it is unknown which ones it has. Only when it is about to be sent changes,
   * because fields may become visible until then.
   */
  #allPrivate(conn: RoomConnection, changes: Changes["private"]): Placed[] {
    this.#mark(conn);
    return this.#privateSince(
      conn,
      NONE,
      changes.filter(({ leaf }) => !leaf),
      conn.relays,
    );
  }

  #group(conn: RoomConnection, hidden: Hidden, groups: Map<string, ViewerGroup>): void {
    const looking = { conn, viewer: this.#tree.viewerOf(conn), seen: (conn.seen ??= new Set()) };
    const { key, changes } = changesFor(this.#tree, looking, hidden, this.#questions);
    if (changes.length === 0) return;
    const group = groups.get(key);
    if (group) group.conns.push(conn);
    else groups.set(key, { changes: changes.map(({ names, value }) => ({ names, value })), conns: [conn] });
  }

  /** The connections that may need changes: all of them with predicates, otherwise the owners of changed fields. */
  #concerned(hidden: Changes["private"]): Iterable<RoomConnection> {
    if (this.#tree.dynamic.size > 0 || hidden.some(({ audience }) => audience.dynamic)) return this.#connections.all();
    const owners = new Set(hidden.map(({ audience }) => audience.owner ?? ""));
    return [...owners].flatMap((owner) => Array.from(this.#connections.of(owner)));
  }

  /** Marks exactly the fields with a predicate that a connection can see now as seen. */
  #mark(conn: RoomConnection): void {
    conn.seen = undefined;
    if (conn.isSpectator || this.#tree.dynamic.size === 0) return;
    this.#questions?.forget(conn);
    const viewer = this.#tree.viewerOf(conn);
    conn.seen = new Set();
    for (const { audience, id } of this.#tree.dynamic)
      if (audience && this.#tree.sees(viewer, audience)) conn.seen.add(id);
  }

  /** Whether a connection was sent the field. A field that is hidden now is asked again, and is not sent. */
  wasSent(conn: RoomConnection, viewer: Viewer, leaf: Leaf): boolean {
    const { audience, sent } = leaf;
    if (!audience || sent === undefined || (audience.dynamic && !conn.seen?.has(leaf.id))) return false;
    return this.#tree.sees(viewer, audience);
  }
}

/** Maps each connection to its group. */
export function groupsOf(viewerGroups: readonly ViewerGroup[]): ReadonlyMap<RoomConnection, ViewerGroup> {
  return new Map(viewerGroups.flatMap((group) => group.conns.map((conn) => [conn, group] as const)));
}
