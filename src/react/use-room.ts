"use client";
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import type { ClientState, RoomClient } from "../client/index.ts";
import type { AnyRoom } from "../define/room.ts";
import { createSnapshot } from "./snapshot.ts";
import type { Selected } from "./snapshot.ts";

/**
 * What a component shows of a room. It renders again only when this has changed.
 *
 * It is undefined until the first packet is there, without a client, and where pages are rendered on a server.
 *
 * @param client as {@link useRoomClient} or `connectRoom` gives it
 * @param selector picks a part of the state. Default: the whole state
 * @param isEqual tells whether two parts are the same. Default: `Object.is`. A selector that makes a new object each
 * time needs another one
 *
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

/** On a server nobody is connected, and the browser begins with what the server rendered. */
function nothing(): undefined {
  return undefined;
}
