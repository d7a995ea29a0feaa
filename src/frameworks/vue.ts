import { computed, shallowRef, toRaw, toValue, watchEffect } from "vue";
import type { ComputedRef, MaybeRefOrGetter } from "vue";
import { follow, wholeState } from "../client/follow.ts";
import type { IsEqual } from "../client/follow.ts";
import type { ClientState, RoomClient } from "../client/index.ts";
import type { AnyRoom } from "../define/room.ts";

/**
 * What a component shows of a room, as a ref that changes only with that. It is undefined until the first packet is there,
 * and without a client. It ends with the component, or the effect scope, that it was made in.
 *
 * @param client as `connectRoom` gives it; or a ref or a getter of it, which may give another one later
 * @param selector picks a part of the state, and may read other refs. Default: the whole state
 * @param isEqual tells whether two parts are the same. Default: `Object.is`. A selector that makes a new object each
 * time needs another one
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
