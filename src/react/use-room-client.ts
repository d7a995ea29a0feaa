"use client";
import { useCallback, useEffect, useId, useRef, useSyncExternalStore } from "react";
import type { RefObject } from "react";
import { connectRoom, connectWorld } from "../client/index.ts";
import type {
  ClientStatus,
  JoinOptions,
  RoomClient,
  RoomOptions,
  ShardOptions,
  WorldOptions,
} from "../client/index.ts";
import type { AnyRoom, DefinedRoom } from "../define/room.ts";
import { sharedClients } from "./shared-clients.ts";

/** What {@link useRoomClient} takes: the options of `connectRoom`; or, with a `worldId`, those of `connectWorld`. */
export type RoomClientOptions<R extends AnyRoom = DefinedRoom<unknown, unknown, unknown, unknown, undefined>> =
  JoinOptions<R> &
    (
      | (WithPageHost<RoomOptions> & { readonly worldId?: never })
      | (WithPageHost<ShardOptions> & { readonly worldId: string; readonly party?: never })
    );
/** The host is by default that of the page. */
type WithPageHost<O extends { readonly host: string }> = Omit<O, "host"> & Partial<Pick<O, "host">>;

/** What {@link useRoomClient} returns. */
export interface ConnectedRoom<R extends AnyRoom> {
  /** Undefined before the component is mounted, and where pages are rendered on a server. */
  readonly client: RoomClient<R> | undefined;
  readonly status: ClientStatus;
}

/**
 * A connection to a room, for as long as a component is there. Components that are given the same host, party, room, World,
 * `id`, token and `params` share one, which is closed with the last of them; so do both renderings of StrictMode. With a
 * function as `room` each component has one of its own.
 *
 * @param options as `connectRoom` takes them; `host` is by default that of the page. A function as `token` or `params` may be
 * another one each time: the newest is asked
 * @example
 * import { useRoom, useRoomClient } from "durable-rooms/react";
 * import type { gameRoom } from "./worker";
 * const { client, status } = useRoomClient<typeof gameRoom>({ room: "game-1" });
 * const count = useRoom(client, (state) => state.count);
 */
export function useRoomClient<R extends AnyRoom>(options: RoomClientOptions<R>): ConnectedRoom<R> {
  const own = useId();
  const key = keyOf(options, own);
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  const subscribe = useCallback(
    (changed: () => void) => {
      const [client, leave] = sharedClients.join(key, () => connect(latest));
      const stop = client.on("status", changed);
      return () => {
        stop();
        leave();
      };
    },
    [key],
  );
  const find = () => sharedClients.find(key);
  const client = useSyncExternalStore(subscribe, find, nothing);
  const status = useSyncExternalStore(subscribe, () => find()?.status ?? "connecting", connecting);
  return { client: client as RoomClient<R> | undefined, status };
}

/** What makes two connections different. */
function keyOf(
  { host, party, worldId, room, id, storage, transferToken, token, params, spectator }: RoomClientOptions<AnyRoom>,
  own: string,
): string {
  const where = [host, party, worldId, typeof room === "string" ? room : [own]];
  const given = [token, params].map((value) => (typeof value === "function" ? "" : value));
  const kept = typeof storage === "object" ? "own" : storage;
  return JSON.stringify([...where, id, kept, transferToken, spectator === true, ...given]);
}

function connect(latest: RefObject<RoomClientOptions<AnyRoom>>): RoomClient<AnyRoom> {
  const { host = pageHost(), token, params, ...options } = latest.current;
  const newestParams = () => {
    const { params: newest } = latest.current;
    return typeof newest === "function" ? (newest as () => unknown)() : newest;
  };
  const newestToken = () => {
    const { token: newest = "" } = latest.current;
    return typeof newest === "function" ? newest() : newest;
  };
  const whole = {
    ...options,
    host,
    ...(token !== undefined && { token: newestToken }),
    ...(params !== undefined && { params: newestParams }),
  };
  if (options.worldId === undefined) return connectRoom<AnyRoom>(whole);
  return connectWorld<AnyRoom>(whole as WorldOptions<AnyRoom>);
}

function pageHost(): string {
  return (globalThis as { readonly location?: { readonly host: string } }).location?.host ?? "";
}

/** On a server nobody is connected, and the browser begins with what the server rendered. */
function nothing(): undefined {
  return undefined;
}
function connecting(): ClientStatus {
  return "connecting";
}
