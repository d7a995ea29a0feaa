import type { ClientState, RoomClient } from "../client/index.ts";
import type { AnyRoom } from "../define/room.ts";

/** What was selected, in a box: the box stays the same as long as its value does. Undefined: there is no state yet. */
export type Selected<T> = { readonly value: T } | undefined;

/**
 * Makes what `useSyncExternalStore` asks for the present value, again and again: it has to be the same as long as
 * nothing changed.
 *
 * @param rendered tells what the component shows now, which may come from another selector
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
    seen = client.state;
    const value = selector(seen);
    const before = selected ?? rendered();
    if (!before || !isEqual(before.value, value)) selected = { value };
    else selected = before;
    return selected;
  };
}
