"use client";
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import type { ClientState, RoomClient } from "../client/index.ts";
import type { AnyRoom } from "../define/room.ts";
import { createSnapshot } from "./snapshot.ts";
import type { Selected } from "./snapshot.ts";

/**
 * Returns a part of the state of a room. The component renders again only when this part changes.
 *
 * @param client the client of {@link useRoomClient} or `connectRoom`
 * @param selector returns the part of the state. Default: the whole state
 * @param isEqual compares two parts. Default: `Object.is`. A selector that makes a new object each time needs its own
 * @returns undefined before the first packet, without a client, and during server-side rendering
 * @example
 * import { useRoom } from "durable-rooms/react";
 * const score = useRoom(game, (state) => state.players[publicId]?.score) ?? 0;
 */
export function useRoom<R extends AnyRoom, T = ClientState<R>>(
  client: RoomClient<R> | undefined,
  selector: (state: ClientState<R>) => T = wholeState,
  isEqual: (a: T, b: T) => boolean = Object.is,
): T | undefined {
  const rendered = useRef<Selected<T>>(undefined);
  const subscribe = useCallback((changed: () => void) => client?.subscribe(changed) ?? noSubscription, [client]);
  const snapshot = useMemo(
    () => createSnapshot(client, selector, isEqual, () => rendered.current),
    [client, selector, isEqual],
  );
  const selected = useSyncExternalStore(subscribe, snapshot, nothing);
  useEffect(() => {
    rendered.current = selected;
  }, [selected]);
  return selected?.value;
}

function wholeState<S, T>(state: S): T {
  return state as unknown as T;
}

function noSubscription(): void {}

/** On a server there is no connection, and the browser starts with what the server rendered. */
function nothing(): undefined {
  return undefined;
}
