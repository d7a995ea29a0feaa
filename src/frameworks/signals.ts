import { signal } from "@signe/reactive";
import type { WritableSignal } from "@signe/reactive";
import { follow, wholeState } from "../client/follow.ts";
import type { IsEqual } from "../client/follow.ts";
import type { ClientState, RoomClient } from "../client/index.ts";
import type { AnyRoom } from "../define/room.ts";

/** A signal of `@signe/reactive` that follows a room: for `effect`, `computed`, CanvasEngine and RPGJS. */
export interface RoomSignal<T> extends Pick<WritableSignal<T>, "observable"> {
  (): T;
  /** From now on it stays as it is. It need not be called where the client is closed. */
  stop(): void;
}

/**
 * What is shown of a room, as a signal of `@signe/reactive` that changes only with that. It is undefined until the first
 * packet is there, and without a client.
 *
 * @param client as `connectRoom` gives it
 * @param selector picks a part of the state. Default: the whole state
 * @param isEqual tells whether two parts are the same. Default: `Object.is`. A selector that makes a new object each
 * time needs another one
 * @example
 * import { roomSignal } from "durable-rooms/signals";
 * const players = roomSignal(game, (state) => state.players);
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
