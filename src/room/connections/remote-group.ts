import type { Socket } from "../../platform/ports.ts";
import type { RunTables } from "../../protocol/binary/frames.ts";
import type { SyncHead } from "../../protocol/packets.ts";
import type { AppliedInputs, BinaryState, PrivateChanges, Welcome } from "../../relay/messages.ts";
import type { Seers } from "../../state/sight-changes.ts";
import type { Interest } from "../../state/interest.ts";
import type { Key } from "../../state/key-rules.ts";
import type { Relays } from "../../state/relay.ts";

/** Changes for the connections of a group. */
export interface GroupPatch {
  /** For all of them, as JSON. */
  readonly patch: string | undefined;
  /** The same in the binary protocol, if anybody reads that. */
  readonly binary: { readonly blocks: Uint8Array; readonly tables: RunTables } | undefined;
  /** Its number, for clients of protocol 2; 0 if there are none. */
  readonly seq: number;
  /** Up to which number all is stored, if they are to be told. */
  readonly mark: number | undefined;
  /** What only some of them see. */
  readonly own: readonly PrivateChanges[];
  /** Those who are sent an empty patch if there is nothing else for them. */
  readonly promised: readonly number[];
  readonly inputs: AppliedInputs;
  /** The number of the last tick, in a room with ticks. */
  readonly tick?: number;
}

/** The state that the connections of a group have to have. */
export interface GroupState {
  /** What all of them see, as JSON. */
  readonly state: string;
  /** The same in the binary protocol, if one of them reads that. */
  readonly binary: BinaryState | undefined;
  /** What only some of them see. */
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
  /** Tells it what its connections see by keys, once for all of them. Undefined if each is told by itself. */
  readonly sights: GroupSights | undefined;
  /** Whether its connections may speak the binary protocol. */
  readonly takesBinary: boolean;
  /** Whether a binary frame can be sent to a single connection. */
  readonly takesFrames: boolean;
  /** Sends nothing where there is nothing to send, and nothing that its connections see by keys either. */
  sync(patch: GroupPatch): void;
  /** @param to which of them get it; undefined for all @param latest where it waits, it takes the place of one with the same name */
  packet(text: string, except: readonly number[], to?: Seers, latest?: string): void;
  /** Sends first packets. @param state what everyone sees, as JSON @param binary the same for those who read that */
  welcome(state: string, to: readonly Welcome[], binary: BinaryState | undefined): void;
}

/** The visible entries of keyed collections that a group is sent. */
export interface GroupSights extends Relays {
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
