import type { Socket } from "../../platform/ports.ts";
import type { PrivateChanges, Welcome } from "../../relay/messages.ts";

/**
 * The connections of a room that one shard holds: a packet for all of them is sent to the shard once, which copies it.
 * `sync` and `packet` reach the connections whose first packet was sent. Ids are unique within a group.
 */
export interface RemoteGroup {
  readonly size: number;
  /**
   * @param patch for all of them, as JSON
   * @param seq its number, for clients of protocol 2; 0 if there are none
   * @param mark up to which number all is stored, if they are to be told
   */
  sync(patch: string | undefined, seq: number, mark: number | undefined, own: readonly PrivateChanges[]): void;
  packet(text: string, except: readonly number[]): void;
  /** Sends first packets. @param state what everyone sees, as JSON */
  welcome(state: string, to: readonly Welcome[]): void;
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
