import { readable } from "svelte/store";
import type { Readable } from "svelte/store";
import { follow, wholeState } from "../client/follow.ts";
import type { IsEqual } from "../client/follow.ts";
import type { ClientState, RoomClient } from "../client/index.ts";
import type { AnyRoom } from "../define/room.ts";

/**
 * Returns a part of the state of a room as a store, for `$players` in a component. The store changes only when this
 * part changes. It follows the room while it has subscribers.
 *
 * @param client the client of `connectRoom`
 * @param selector returns the part of the state. Default: the whole state
 * @param isEqual compares two parts. Default: `Object.is`. A selector that makes a new object each time needs its own
 * @returns a store of undefined before the first packet, and without a client
 * @example
 * import { roomStore } from "durable-rooms/svelte";
 * const players = roomStore(game, (state) => state.players);
 */
export function roomStore<R extends AnyRoom, T = ClientState<R>>(
  client: RoomClient<R> | undefined,
  selector: (state: ClientState<R>) => T = wholeState,
  isEqual: IsEqual<T> = Object.is,
): Readable<T | undefined> {
  return readable<T | undefined>(undefined, (set) => follow(client, selector, isEqual, set));
}
