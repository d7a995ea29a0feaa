import type { ClientState, RoomClient } from "../client/index.ts";
import type { AnyRoom } from "../define/room.ts";

/** The selected value in a box, which is the same object as long as its value is. Undefined before there is a state. */
export type Selected<T> = { readonly value: T } | undefined;

/**
 * Makes the snapshot function of `useSyncExternalStore`. It has to return the same object as long as nothing has
 * changed.
 *
 * @param rendered returns what the component shows now, which may come from another selector
 */
export function createSnapshot<R extends AnyRoom, T>(
  client: Pick<RoomClient<R>, "state" | "publicId"> | undefined,
  selector: (state: ClientState<R>) => T,
  isEqual: (a: T, b: T) => boolean,
  rendered: () => Selected<T>,
): () => Selected<T> {
  let seen: ClientState<R> | undefined;
  let selected: Selected<T>;
  return () => {
    if (client?.publicId === undefined || client.state === seen) return selected;
    const { state } = client;
    const value = selector(state);
    const before = selected ?? rendered();
    selected = before && isEqual(before.value, value) ? before : { value };
    // Only now: if a function above throws, it has to throw again when React renders the component.
    seen = state;
    return selected;
  };
}
