import { createComputed, createMemo, createSignal, onCleanup } from "solid-js";
import type { Accessor } from "solid-js";
import { follow, wholeState } from "../client/follow.ts";
import type { IsEqual } from "../client/follow.ts";
import type { ClientState, RoomClient } from "../client/index.ts";
import type { AnyRoom } from "../define/room.ts";

/**
 * Returns a part of the state of a room as a signal. The signal changes only when this part changes. It ends with the
 * component or the root that it was made in.
 *
 * @param client the client of `connectRoom`, or an accessor that may return another one later
 * @param selector returns the part of the state, and may read other signals. Default: the whole state
 * @param isEqual compares two parts. Default: `Object.is`. A selector that makes a new object each time needs its own
 * @returns an accessor of undefined before the first packet, and without a client
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
