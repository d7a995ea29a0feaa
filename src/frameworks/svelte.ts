import { readable } from "svelte/store";
import type { Readable } from "svelte/store";
import { follow, wholeState } from "../client/follow.ts";
import type { IsEqual } from "../client/follow.ts";
import type { ClientState, RoomClient } from "../client/index.ts";
import type { AnyRoom } from "../define/room.ts";

/**
 * What a component shows of a room, as a store that changes only with that: `$players` in a component. It is undefined
 * until the first packet is there, and without a client. It follows the room while somebody subscribes to it.
 *
 * @param client as `connectRoom` gives it
 * @param selector picks a part of the state. Default: the whole state
 * @param isEqual tells whether two parts are the same. Default: `Object.is`. A selector that makes a new object each
 * time needs another one
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
