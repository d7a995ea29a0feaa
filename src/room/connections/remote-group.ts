import type { Socket } from "../../platform/ports.ts";
import type { RunTables } from "../../protocol/binary/frames.ts";
import type { SyncHead } from "../../protocol/packets.ts";
import type { AppliedInputs, BinaryState, PrivateChanges, Welcome } from "../../relay/messages.ts";
import type { Seers } from "../../state/sight-changes.ts";
import type { Interest } from "../../state/interest.ts";
import type { Key } from "../../state/key-rules.ts";
import type { Delivered, Relays } from "../../state/relay.ts";

/** Changes for the connections of a group. */
export interface GroupPatch {
  /** The patch for all of them, as JSON. */
  readonly patch: string | undefined;
  /** The same in the binary protocol, if there are readers. */
  readonly binary: { readonly blocks: Uint8Array; readonly tables: RunTables } | undefined;
  /** Its number, for clients of protocol 2, or 0 if there are none. */
  readonly seq: number;
  /** The number up to which everything is stored, if clients should be told. */
  readonly mark: number | undefined;
  /** The private changes of single connections. */
  readonly own: readonly PrivateChanges[];
  /** Connections that get an empty patch if there is nothing else for them. */
  readonly promised: readonly number[];
  readonly inputs: AppliedInputs;
  /** The number of the last tick, in a room with ticks. */
  readonly tick?: number;
}

/** The state that the connections of a group should have. */
export interface GroupState {
  /** The state for everyone, as JSON. */
  readonly state: string;
  /** The same in the binary protocol, if there are readers. */
  readonly binary: BinaryState | undefined;
  /** The private state of single connections. */
  readonly own: readonly PrivateChanges[];
  readonly head: SyncHead;
  readonly inputs?: AppliedInputs;
}

/**
 * The connections of a room that one shard holds: a packet for all of them is sent to the shard once, which copies it.
 * `sync` and `packet` reach the connections whose first packet was sent. Ids are unique within a group.
 */
export interface RemoteGroup {
  readonly size: number;
  /**
   * Sends the visible entries of its connections once for all of them. Undefined if they are sent to each connection.
   */
  readonly sights: GroupSights | undefined;
  /** Whether its connections may use the binary protocol. */
  readonly takesBinary: boolean;
  /** Whether a binary frame can be sent to a single connection. */
  readonly takesFrames: boolean;
  /** Sends nothing if there are no changes, and no changes in visible entries either. */
  sync(patch: GroupPatch): void;
  /** @param to the receivers, or undefined for all @param latest a waiting packet with the same name is replaced */
  packet(text: string, except: readonly number[], to?: Seers, latest?: string): void;
  /** Sends first packets. @param state the state for everyone, as JSON @param binary the same for binary clients */
  welcome(state: string, to: readonly Welcome[], binary: BinaryState | undefined): void;
}

/** The visible entries of keyed collections that a group is sent. */
export interface GroupSights extends Relays {
  /** When the shard is to send what it delays. It is told with the next changes. */
  when: Delivered;
  /** Whether the shard has what it has to know. If not, it delays nothing. */
  readonly isTold: boolean;
  /** Whether a connection of the group may see an entry. */
  knows(interest: Interest, key: string): boolean;
  /** Whether a connection of the group has one of the given keys. */
  haveKey(keys: readonly Key[]): boolean;
}

/** The shard that holds a socket, and the socket's id there. */
export interface Remote {
  readonly group: RemoteGroup;
  readonly id: number;
}

/** A socket of the room: held by its own object, or by a shard. */
export interface RoomSocket extends Socket {
  /** Set if a shard holds it. */
  readonly remote?: Remote;
}
