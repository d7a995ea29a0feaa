import { DELETE } from "../../protocol/packets.ts";
import type { Audience } from "../../state/audience.ts";
import type { PrivateRemoval } from "../../state/changes-since.ts";
import type { Viewer } from "../../state/field.ts";
import type { Leaf } from "../../state/leaf.ts";
import type { Placed } from "../../state/merge.ts";
import type { Changes, Tree } from "../../state/tree.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import { HiddenCollections } from "./hidden-collections.ts";
import { Questions } from "./questions.ts";
import { changesFor, Hidden } from "./visibility.ts";

/** Connections that are sent the same private changes. */
export interface ViewerGroup {
  readonly changes: readonly Placed[];
  readonly conns: RoomConnection[];
}

/** What each connection may see beyond what everyone sees, and what it was sent of that. */
export class Views {
  readonly #tree: Tree;
  readonly #connections: Connections;
  /** Made when there is a predicate. */
  #questions: Questions | undefined;
  #wasPending = false;
  #wasManual = false;

  constructor(tree: Tree, connections: Connections) {
    this.#tree = tree;
    this.#connections = connections;
  }

  /** Everything that a connection may see, as JSON. */
  textFor(conn: RoomConnection): string {
    return this.#tree.textFor(this.#tree.viewerOf(conn));
  }

  /** Notes that a connection is about to be sent everything that it may see. */
  remember(conn: RoomConnection): void {
    this.#tree.crowd?.enter(conn, true);
    this.#mark(conn, true);
  }

  /**
   * Restores what all connections saw that stayed open while the room slept.
   * @param wasPending whether changes were pending @param wasManual whether changes were sent only on demand
   */
  assume(wasPending: boolean, wasManual: boolean): void {
    this.#wasPending = wasPending;
    this.#wasManual = wasManual;
    for (const conn of this.#connections.all()) this.recall(conn);
  }

  /** Restores what a client saw that stayed connected while the room slept. */
  recall(conn: RoomConnection): void {
    // If changes were pending, assume that it saw exactly what it may not see now: that is deleted, the rest sent
    // whole.
    // A room that sends by itself waits until what is seen is at rest, as far as its own sockets are concerned.
    this.#tree.crowd?.enter(conn, !this.#wasPending, !this.#wasManual && !conn.isRemote);
    this.#mark(conn, !this.#wasPending);
  }

  /** The private fields that a connection was sent. */
  privateState(conn: RoomConnection): Placed[] {
    const viewer = this.#tree.viewerOf(conn);
    const leaves = this.#tree.privateLeaves().filter((leaf) => this.#wasSent(conn, viewer, leaf));
    return [
      ...(this.#tree.crowd?.whole(conn) ?? []),
      ...leaves.map((leaf) => ({ names: leaf.names(), value: leaf.sent })),
    ];
  }

  /** The private fields that a connection was sent of entries that its shard shows it. */
  privateInSights(conn: RoomConnection): Placed[] {
    if (!conn.relays || !this.#tree.crowd) return [];
    const viewer = this.#tree.viewerOf(conn);
    const isInSight = (leaf: Leaf) => {
      const interest = this.#tree.hiddenAround(leaf.names())?.collection.interest;
      return interest?.relayTo(conn) !== undefined && this.#wasSent(conn, viewer, leaf);
    };
    return this.#tree
      .privateLeaves()
      .filter(isInSight)
      .map((leaf) => ({ names: leaf.names(), value: leaf.sent }));
  }

  /**
   * What changed of the private fields after a packet, for a client that has it: objects replace what it has. It is not
   * known which fields with a predicate it saw before, so those that it may not see are deleted.
   *
   * @param gone what is gone since, and only some could see
   */
  privateSince(conn: RoomConnection, seq: number, gone: readonly PrivateRemoval[]): Placed[] {
    const viewer = this.#tree.viewerOf(conn);
    const hidden = new HiddenCollections();
    const changes: Placed[] = [];
    // Removals come first, since another value may take the place of a removed one.
    for (const { names, audience } of gone) {
      const around = this.#tree.hiddenAround(names);
      if (around?.collection.interest) continue;
      if (around?.audience.dynamic) hidden.add(around.collection);
      else if (this.#mayHave(viewer, audience, around?.audience)) changes.push({ names, value: DELETE });
    }
    for (const leaf of this.#tree.privateLeaves()) {
      const { audience } = leaf;
      if (!audience || (!audience.dynamic && leaf.changedIn <= seq)) continue;
      const wasSent = this.#wasSent(conn, viewer, leaf);
      const around = leaf.hiddenEntryAround(() => false);
      if (around?.placement.seenBy) continue;
      if (around?.placement.audience?.dynamic) hidden.take(leaf, around, wasSent);
      else if (wasSent) changes.push({ names: leaf.names(), value: leaf.whole });
      else if (this.#mayHave(viewer, audience, around?.placement.audience))
        changes.push({ names: leaf.names(), value: DELETE });
    }
    return [...changes, ...hidden.replacements(), ...(this.#tree.crowd?.replacements(conn) ?? [])];
  }

  /** Whether a viewer may have something of a field, or had. @param around of the entry around it, if not everybody sees that */
  #mayHave(viewer: Viewer, audience: Audience, around: Audience | undefined): boolean {
    return (!around || this.#tree.sees(viewer, around)) && (audience.dynamic || this.#tree.sees(viewer, audience));
  }

  /** Groups the connections that get private changes by which changes they get. */
  classify({ private: changes }: Changes): readonly ViewerGroup[] {
    const hidden = new Hidden(changes);
    const conns = Array.from(this.#concerned(changes)).filter(
      ({ phase, isSpectator }) => phase === "open" && !isSpectator,
    );
    if (this.#tree.dynamic.size > 0) this.#questions ??= new Questions(this.#tree);
    this.#questions?.begin(conns);
    const groups = new Map<string, ViewerGroup>();
    for (const conn of conns) this.#group(conn, hidden, groups);
    this.#questions?.end(conns.length);
    return [...groups.values()];
  }

  #group(conn: RoomConnection, hidden: Hidden, groups: Map<string, ViewerGroup>): void {
    const looking = { conn, viewer: this.#tree.viewerOf(conn), seen: conn.seen };
    const { key, changes } = changesFor(this.#tree, looking, hidden, this.#questions);
    if (changes.length === 0) return;
    const group = groups.get(key);
    if (group) group.conns.push(conn);
    else groups.set(key, { changes: changes.map(({ names, value }) => ({ names, value })), conns: [conn] });
  }

  /** The connections that may have to be sent something: with predicates all, otherwise the owners of what changed. */
  #concerned(hidden: Changes["private"]): Iterable<RoomConnection> {
    if (this.#tree.dynamic.size > 0 || hidden.some(({ audience }) => audience.dynamic)) return this.#connections.all();
    const owners = new Set(hidden.map(({ audience }) => audience.owner ?? ""));
    return [...owners].flatMap((owner) => Array.from(this.#connections.of(owner)));
  }

  /** Notes that a connection sees the fields with a predicate that it may see now, or those that it may not see. */
  #mark(conn: RoomConnection, isVisible: boolean): void {
    if (conn.isSpectator || this.#tree.dynamic.size === 0) return;
    this.#questions?.forget(conn);
    const viewer = this.#tree.viewerOf(conn);
    for (const leaf of this.#tree.dynamic) {
      if (leaf.audience && this.#tree.sees(viewer, leaf.audience) === isVisible) conn.seen.add(leaf.id);
    }
  }

  /** Whether a connection was sent the field. What it may not see any more is asked again: nothing of that is sent. */
  #wasSent(conn: RoomConnection, viewer: Viewer, leaf: Leaf): boolean {
    const { audience, sent } = leaf;
    if (!audience || sent === undefined || (audience.dynamic && !conn.seen.has(leaf.id))) return false;
    return this.#tree.sees(viewer, audience);
  }
}

/** The group of each connection that is in one. */
export function groupsOf(viewerGroups: readonly ViewerGroup[]): ReadonlyMap<RoomConnection, ViewerGroup> {
  return new Map(viewerGroups.flatMap((group) => group.conns.map((conn) => [conn, group] as const)));
}
