import type { PatchHead } from "../../protocol/packets.ts";
import type { Plain } from "../../protocol/values.ts";
import type { AppliedInputs, BinaryState, PrivateChanges, Welcome } from "../../relay/messages.ts";
import type { Crowd } from "../../state/crowd.ts";
import type { Delivered } from "../../state/relay.ts";
import type { Leaf } from "../../state/leaf.ts";
import type { Placed } from "../../state/merge.ts";
import type { Tree } from "../../state/tree.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import type { GroupPatch, GroupState, RemoteGroup } from "../connections/remote-group.ts";
import { isReader, NO_BLOCKS } from "./binary-patches.ts";
import type { BinaryPatches } from "./binary-patches.ts";
import type { ChangeClock } from "./change-clock.ts";
import type { FirstPackets } from "./first-packets.ts";
import { groupsOf } from "./views.ts";
import type { ViewerGroup, Views } from "./views.ts";

const NOTHING: GroupPatch = {
  patch: undefined,
  binary: undefined,
  seq: 0,
  mark: undefined,
  own: [],
  promised: [],
  inputs: [],
};

/** The parts of the room that packets for shards need. */
interface RemoteScope {
  readonly tree: Tree;
  readonly views: Views;
  readonly changeClock: ChangeClock;
  readonly connections: Connections;
}

/** A patch, as shards get it. */
interface RemotePatch {
  /** The changes for everyone. */
  readonly shared: Readonly<Plain> | undefined;
  /** The same as blocks, if there are readers. */
  readonly blocks: Uint8Array | undefined;
  readonly seq: number;
  readonly mark: number | undefined;
  readonly tick: Pick<PatchHead, "tick">;
  readonly viewerGroups: readonly ViewerGroup[];
  /** Connections of which only their shard knows whether they see a change. */
  readonly promised: readonly RoomConnection[];
}

/**
 * Makes what the clients at shards get: a packet for all of them is sent to their shard once. Comes with the links to
 * shards, so that a Worker without Worlds does not contain it.
 */
export class RemotePatches {
  readonly #scope: RemoteScope;
  readonly #binary: BinaryPatches;
  readonly #first: FirstPackets;

  constructor(scope: RemoteScope, binary: BinaryPatches, first: FirstPackets) {
    this.#scope = scope;
    this.#binary = binary;
    this.#first = first;
  }

  send({ shared, blocks, seq, mark, tick, viewerGroups, promised }: RemotePatch): void {
    const { tree, connections } = this.#scope;
    const { remoteGroups, answered } = connections;
    const patch = shared && JSON.stringify(shared);
    const binary = blocks && { blocks, tables: this.#binary.tables };
    for (const group of remoteGroups.keys()) {
      const own = remoteChanges(group, connections.all(), viewerGroups, tree.crowd);
      const isHere = ({ remote }: RoomConnection) => remote?.group === group;
      const told = Array.from(answered).filter(([conn]) => isHere(conn));
      const inputs = told.flatMap(([conn, input]) => idOf(conn).map((id) => [id, input] as const));
      const ids = promised.filter(isHere).flatMap(idOf);
      group.sync({ patch, binary, seq, mark, own, promised: ids, inputs, ...tick });
    }
  }

  /** Tells shards when to send what they delay, if they do not know it. */
  deliver(when: Delivered): void {
    for (const group of this.#scope.connections.remoteGroups.keys()) {
      if (!group.sights) continue;
      group.sights.when = when;
      if (group.sights.isTold) group.sync(NOTHING);
    }
  }

  /** Sends first packets. */
  welcome(group: RemoteGroup, conns: readonly RoomConnection[]): void {
    const state = this.#scope.tree.sharedText();
    const welcomes = conns.map((conn) => this.#welcomeOf(conn));
    const isNeeded = welcomes.some(({ patch }) => patch === undefined);
    group.welcome(state, welcomes, this.#binaryState(conns, isNeeded ? state : undefined));
  }

  /** The state that the connections of a group should have. */
  stateFor(group: RemoteGroup): GroupState {
    const { changeClock, connections, tree } = this.#scope;
    const conns = connections.all().filter((conn) => conn.remote?.group === group && conn.phase === "open");
    if (conns.some(({ protocol }) => protocol !== 1)) changeClock.use();
    const own = conns.map((conn) => ({ ids: idOf(conn), changes: this.#privateState(conn) }));
    const inputs: AppliedInputs = conns.flatMap((conn) => {
      const input = this.#first.inputOf(conn);
      return input === undefined ? [] : idOf(conn).map((id) => [id, input] as const);
    });
    const state = tree.sharedText();
    return {
      state,
      binary: this.#binaryState(conns, state),
      own: own.filter(({ changes }) => changes.length > 0),
      head: { ...changeClock.head, reset: true, ...this.#first.own },
      ...(inputs.length > 0 && { inputs }),
    };
  }

  #welcomeOf(conn: RoomConnection): Welcome {
    const { head, patch } = this.#first.packetOf(conn);
    const { publicId, remote, wire, protocol } = conn;
    const who = { id: remote?.id ?? 0, publicId, ...(wire && { tables: wire.tables }) };
    if (patch === undefined) return { ...who, changes: this.#privateState(conn), ...(head && { head }) };
    const blocks = protocol === 3 ? this.#binary.resumed(conn, patch, head?.clear) : undefined;
    return { ...who, changes: this.#privateInSights(conn), head, patch, ...(blocks && { blocks }) };
  }

  /** The private fields that a connection was sent. */
  #privateState(conn: RoomConnection): Placed[] {
    const { tree, views } = this.#scope;
    const viewer = tree.viewerOf(conn);
    const leaves = tree.privateLeaves().filter((leaf) => views.wasSent(conn, viewer, leaf));
    return [...(tree.crowd?.whole(conn) ?? []), ...leaves.map((leaf) => ({ names: leaf.names(), value: leaf.sent }))];
  }

  /** The sent private fields in entries that the shard shows to the connection. */
  #privateInSights(conn: RoomConnection): Placed[] {
    const { tree, views } = this.#scope;
    if (!conn.relays || !tree.crowd) return [];
    const viewer = tree.viewerOf(conn);
    const isInSight = (leaf: Leaf) => {
      const interest = tree.hiddenAround(leaf.names())?.collection.interest;
      return interest?.relayTo(conn) !== undefined && views.wasSent(conn, viewer, leaf);
    };
    const inSight = tree.privateLeaves().filter(isInSight);
    return inSight.map((leaf) => ({ names: leaf.names(), value: leaf.sent }));
  }

  /** The state for clients of protocol 3. @param text as JSON. Undefined if all have it */
  #binaryState(conns: readonly RoomConnection[], text: string | undefined): BinaryState | undefined {
    if (!conns.some(isReader)) return undefined;
    return { ...this.#binary.tables, blocks: text === undefined ? NO_BLOCKS : this.#binary.whole(text) };
  }
}

/** The changes that connections of a shard get in addition to the changes for everyone. */
function remoteChanges(
  group: RemoteGroup,
  all: readonly RoomConnection[],
  viewerGroups: readonly ViewerGroup[],
  crowd: Crowd | undefined,
): PrivateChanges[] {
  const isHere = ({ remote }: RoomConnection) => remote?.group === group;
  // A shard that computes visibility itself gets the changes once.
  if (!crowd || (group.sights && crowd.isToldBy(group.sights))) {
    const groups = viewerGroups.map(({ changes, conns }) => ({ ids: conns.filter(isHere).flatMap(idOf), changes }));
    return groups.filter(({ ids }) => ids.length > 0);
  }
  const groupOf = groupsOf(viewerGroups);
  const here = all.filter((conn) => isHere(conn) && conn.phase === "open");
  const each = here.map((conn) => ({
    ids: idOf(conn),
    changes: [...crowd.placed(conn, crowd.partsOf(conn)), ...(groupOf.get(conn)?.changes ?? [])],
  }));
  return each.filter(({ changes }) => changes.length > 0);
}

/** The id of a connection at its shard, if it is at a shard. */
function idOf({ remote }: RoomConnection): number[] {
  return remote ? [remote.id] : [];
}
