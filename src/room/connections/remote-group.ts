import type { Socket } from "../../platform/ports.ts";
import type { PrivateChanges, Welcome } from "../../relay/messages.ts";

/**
 * Connections that are held by another object, a shard: a packet for all of them is sent there once, and copied. Its
 * methods reach the connections that have had their first packet. Ids identify the connections of a group.
 */
export interface RemoteGroup {
  readonly size: number;
  /** @param patch JSON for all of them, if there is any @param seq its number, for those who count; 0 if nobody does */
  sync(patch: string | undefined, seq: number, own: readonly PrivateChanges[]): void;
  packet(text: string, except: readonly number[]): void;
  /** Sends first packets. @param state as JSON, without what only some may see */
  welcome(state: string, to: readonly Welcome[]): void;
}

/** Where a socket is held, if not here. */
export interface Remote {
  readonly group: RemoteGroup;
  readonly id: number;
}

/** A socket as a room has it: here, or at a shard. */
export interface RoomSocket extends Socket {
  /** Where it is held, if not here. */
  readonly remote?: Remote;
}
