import { createComputed, createMemo, createSignal, onCleanup } from "solid-js";
import type { Accessor } from "solid-js";
import { follow, wholeState } from "../client/follow.ts";
import type { IsEqual } from "../client/follow.ts";
import type { ClientState, RoomClient } from "../client/index.ts";
import type { AnyRoom } from "../define/room.ts";

/**
 * What a component shows of a room, as a signal that changes only with that. It is undefined until the first packet is
 * there, and without a client. It ends with the component, or the root, that it was made in.
 *
 * @param client as `connectRoom` gives it; or an accessor of it, which may give another one later
 * @param selector picks a part of the state, and may read other signals. Default: the whole state
 * @param isEqual tells whether two parts are the same. Default: `Object.is`. A selector that makes a new object each
 * time needs another one
 * @example
 * import { useRoom } from "durable-rooms/solid";
 * const players = useRoom(game, (state) => state.players);
 */
export function useRoom<R extends AnyRoom, T = ClientState<R>>(
  client: RoomClient<R> | undefined | Accessor<RoomClient<R> | undefined>,
  selector: (state: ClientState<R>) => T = wholeState,
  isEqual: IsEqual<T> = Object.is,
): Accessor<T | undefined> {
  const [state, setState] = createSignal<ClientState<R>>();
  createComputed(() => {
    const now = typeof client === "function" ? client() : client;
    setState(undefined);
    onCleanup(follow(now, wholeState<ClientState<R>, ClientState<R>>, Object.is, (whole) => setState(() => whole)));
  });
  return createMemo<T | undefined>(
    () => {
      const whole = state();
      return whole === undefined ? undefined : selector(whole);
    },
    undefined,
    { equals: (before, now) => before === now || (before !== undefined && now !== undefined && isEqual(before, now)) },
  );
}
