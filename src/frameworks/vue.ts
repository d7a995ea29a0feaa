import { computed, shallowRef, toRaw, toValue, watchEffect } from "vue";
import type { ComputedRef, MaybeRefOrGetter } from "vue";
import { follow, wholeState } from "../client/follow.ts";
import type { IsEqual } from "../client/follow.ts";
import type { ClientState, RoomClient } from "../client/index.ts";
import type { AnyRoom } from "../define/room.ts";

/**
 * Returns a part of the state of a room as a ref. The ref changes only when this part changes. It ends with the
 * component or the effect scope that it was made in.
 *
 * @param client the client of `connectRoom`, or a ref or getter that may return another one later
 * @param selector returns the part of the state, and may read other refs. Default: the whole state
 * @param isEqual compares two parts. Default: `Object.is`. A selector that makes a new object each time needs its own
 * @returns a ref of undefined before the first packet, and without a client
 * @example
 * import { useRoom } from "durable-rooms/vue";
 * const players = useRoom(game, (state) => state.players);
 */
export function useRoom<R extends AnyRoom, T = ClientState<R>>(
  client: MaybeRefOrGetter<RoomClient<R> | undefined>,
  selector: (state: ClientState<R>) => T = wholeState,
  isEqual: IsEqual<T> = Object.is,
): ComputedRef<T | undefined> {
  const state = shallowRef<ClientState<R>>();
  watchEffect(
    (onCleanup) => {
      // A proxy would not reach the private parts of the client.
      const now = toRaw(toValue(client));
      state.value = undefined;
      onCleanup(follow(now, wholeState<ClientState<R>, ClientState<R>>, Object.is, (whole) => (state.value = whole)));
    },
    { flush: "sync" },
  );
  return computed<T | undefined>((before) => {
    if (state.value === undefined) return undefined;
    const part = selector(state.value);
    return before !== undefined && isEqual(before, part) ? before : part;
  });
}
