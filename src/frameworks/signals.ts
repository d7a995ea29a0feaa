import { signal } from "@signe/reactive";
import type { WritableSignal } from "@signe/reactive";
import { follow, wholeState } from "../client/follow.ts";
import type { IsEqual } from "../client/follow.ts";
import type { ClientState, RoomClient } from "../client/index.ts";
import type { AnyRoom } from "../define/room.ts";

/** A signal of `@signe/reactive` that follows a room: for `effect`, `computed`, CanvasEngine and RPGJS. */
export interface RoomSignal<T> extends Pick<WritableSignal<T>, "observable"> {
  (): T;
  /** Stops following the room: the signal keeps its value. It is not needed if the client is closed. */
  stop(): void;
}

/**
 * Returns a part of the state of a room as a signal of `@signe/reactive`. The signal changes only when this part
 * changes.
 *
 * @param client the client of `connectRoom`
 * @param selector returns the part of the state. Default: the whole state
 * @param isEqual compares two parts. Default: `Object.is`. A selector that makes a new object each time needs its own
 * @returns a signal that is undefined before the first packet, and without a client
 * @example
 * import { roomSignal } from "durable-rooms/signals";
 * const players = roomSignal(game, (state) => state.players);
 * @@// // Made without a value A signal that is made without a value keeps objects as they are. Otherwise it would wrap
 * them.
 */
export function roomSignal<R extends AnyRoom, T = ClientState<R>>(
  client: RoomClient<R> | undefined,
  selector: (state: ClientState<R>) => T = wholeState,
  isEqual: IsEqual<T> = Object.is,
): RoomSignal<T | undefined> {
  // Made without a value, it holds each as it is: an object would be wrapped.
  const part: WritableSignal<T | undefined> = signal<T | undefined>(undefined);
  const stop = follow(client, selector, isEqual, (now) => part.set(now));
  return Object.assign(part, { stop });
}
