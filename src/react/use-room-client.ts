"use client";
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { connectRoom, connectWorld } from "../client/index.ts";
import type {
  ClientStatus,
  ConnectOptions,
  JoinOptions,
  RoomClient,
  RoomOptions,
  ShardOptions,
  WorldOptions,
} from "../client/index.ts";
import type { AnyRoom, DefinedRoom } from "../define/room.ts";
import { SharedClients } from "./shared-clients.ts";

/**
 * The options of {@link useRoomClient}: those of `connectRoom`, or with a `worldId` those of `connectWorld`. `host` may
 * be omitted.
 */
export type RoomClientOptions<R extends AnyRoom = DefinedRoom<unknown, unknown, unknown, unknown, undefined>> =
  JoinOptions<R> &
    (
      | (WithPageHost<RoomOptions> & { readonly worldId?: never })
      | (WithPageHost<ShardOptions> & { readonly worldId: string; readonly party?: never })
    );
/** The default host is that of the page. */
type WithPageHost<O extends { readonly host: string }> = Omit<O, "host"> & Partial<Pick<O, "host">>;

/** The result of {@link useRoomClient}. */
export interface ConnectedRoom<R extends AnyRoom> {
  /** The client. Undefined before the component is mounted, and during server-side rendering. */
  readonly client: RoomClient<R> | undefined;
  /** The status of the connection. `"connecting"` without a client. */
  readonly status: ClientStatus;
}

/**
 * Connects to a room as long as the component is mounted. Components with the same host, party, room, World, `id`,
 * `storage`, token and `params` share one connection, which is closed when the last of them is unmounted. With a
 * function as `room`, each component has its own connection. Both renderings of StrictMode share one.
 *
 * @param options the options of `connectRoom`. Default of `host`: that of the page. If `token` or `params` is a
 * function, that of the last rendering of a mounted component is called
 * @example
 * import { useRoom, useRoomClient } from "durable-rooms/react";
 * import type { gameRoom } from "./worker";
 * const { client, status } = useRoomClient<typeof gameRoom>({ room: "game-1" });
 * const count = useRoom(client, (state) => state.count);
 */
export function useRoomClient<R extends AnyRoom>(options: RoomClientOptions<R>): ConnectedRoom<R> {
  // Not useId: roots that a server rendered have the same ids.
  const [own] = useState(Math.random);
  const key = keyOf(options, own);
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  const subscribe = useCallback(
    (changed: () => void) => {
      const [client, leave] = clients.join(key, latest);
      const stop = client.on("status", changed);
      return () => {
        stop();
        leave();
      };
    },
    [key],
  );
  const find = () => clients.find(key);
  const client = useSyncExternalStore(subscribe, find, nothing);
  const status = useSyncExternalStore(subscribe, () => find()?.status ?? "connecting", connecting);
  return { client: client as RoomClient<R> | undefined, status };
}

const clients = /* @__PURE__ */ new SharedClients<RoomClientOptions<AnyRoom>>(connect);

/** The options that tell two connections apart. */
function keyOf(
  { host, party, worldId, room, id, storage, transferToken, token, params, spectator }: RoomClientOptions<AnyRoom>,
  own: number,
): string {
  const where = [host, party, worldId, typeof room === "string" ? room : [own]];
  const given = [token, params].map((value) => (typeof value === "function" ? "" : value));
  const kept = typeof storage === "object" ? "own" : storage;
  return JSON.stringify([...where, id, kept, transferToken, spectator === true, ...given]);
}

function connect(latest: () => RoomClientOptions<AnyRoom>): RoomClient<AnyRoom> {
  const newest = (name: "token" | "params") => () => {
    const option: unknown = latest()[name];
    return typeof option === "function" ? (option as () => unknown)() : option;
  };
  const { host = pageHost(), ...rest } = latest();
  const options = { ...rest, host, token: newest("token"), params: newest("params") };
  if (options.worldId === undefined) return connectRoom(options as ConnectOptions<AnyRoom>);
  return connectWorld(options as WorldOptions<AnyRoom>);
}

function pageHost(): string {
  return (globalThis as { readonly location?: { readonly host: string } }).location?.host ?? "";
}

/** On a server there is no connection, and the browser starts with what the server rendered. */
function nothing(): undefined {
  return undefined;
}
function connecting(): ClientStatus {
  return "connecting";
}
