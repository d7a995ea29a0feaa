import type { AnyRoom } from "../define/room.ts";
import { callSafely } from "./listeners.ts";
import type { RoomClient } from "./room-client.ts";
import type { ClientState } from "./types.ts";

/** Whether two parts of a state are the same. */
export type IsEqual<T> = (before: T, now: T) => boolean;

/**
 * Calls back with the selected part of the state: now, if there is a state, and whenever the part changes.
 * @returns a function that stops it
 */
export function follow<R extends AnyRoom, T>(
  client: RoomClient<R> | undefined,
  selector: (state: ClientState<R>) => T,
  isEqual: IsEqual<T>,
  tell: (part: T) => void,
): () => void {
  let told: { readonly part: T } | undefined;
  const look = () => {
    if (client?.publicId === undefined) return;
    const part = selector(client.state);
    if (told && isEqual(told.part, part)) return;
    told = { part };
    tell(part);
  };
  // As for later states, an error of the selector ends neither the subscription nor the component.
  callSafely(look);
  return client?.subscribe(look) ?? (() => {});
}

export function wholeState<S, T>(state: S): T {
  return state as unknown as T;
}
