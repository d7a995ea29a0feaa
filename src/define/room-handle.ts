import type { ActionArgumentsOf, ActionResultOf, NameOfRoomAction, TypedRoom } from "./action-types.ts";
import type { BroadcastOptions } from "./broadcast-options.ts";
import type { RoomQuarantine } from "./quarantine.ts";
import type { Past } from "../state/history.ts";
import type { AnyHandlerTypes, HandlerTypes, Metadata, Scheduled, ScheduleOptions } from "./room-types.ts";

/** The verified claims of a JWT. */
export type Claims = Readonly<Record<string, unknown>>;

/** One open WebSocket of a client. A user may have several. C: its state, T: the types that the definition declares. */
export interface Connection<C = unknown, T extends AnyHandlerTypes = HandlerTypes> {
  /** The id of the connection. No other connection has it. */
  readonly id: string;
  /** The private session id. Whoever has it can connect as this user: never send it to other clients. */
  readonly sessionId: string;
  /** The public id of the user, which all clients see. */
  readonly publicId: string;
  /** The verified JWT claims, or null without a token. */
  readonly auth: Claims | null;
  /** Whether the client is a spectator, who has no user. */
  readonly isSpectator: boolean;
  /**
   * The value that {@link setState} stored last. It survives hibernation. Initially it is the result of
   * `connectionState` of the definition.
   */
  readonly state: C;
  /**
   * Stores a small value with the connection. Pass the value, or a function of the previous one.
   *
   * @throws RoomError `internal` if the value cannot be stored, or is larger than about 14 KB as JSON
   * @example
   * conn.setState({ page: 1 });
   * conn.setState((previous) => ({ ...(previous as { page: number }), page: 2 }));
   */
  setState(change: (previous: C) => C): void;
  setState(next: C): void;
  /** Sends a packet to this connection only. */
  send(packet: T["packet"]): void;
  /**
   * Closes the connection.
   *
   * @param code 1000, or 3000 to 4999. Default 1000
   * @param reason up to 123 bytes; a longer one is cut. Default: empty
   */
  close(code?: number, reason?: string): void;
}

/** A connection with any type of state. */
type AnyConnection = Pick<Connection, "id" | "sessionId" | "state">;

/** The address of a room of the service. */
export interface RoomAddress {
  /** The name of the party: `main`, or a key of `parties`. */
  readonly party: string;
  /** The id of the room, such as `game-1`. */
  readonly id: string;
}

/**
 * Key-value storage of a room for data that is not part of its state. Clients never see it. Keys of the runtime are
 * hidden. It has no limit besides those of the platform.
 *
 * @example
 * import type { RoomHandle } from "durable-rooms";
 * const countVisit = ({ storage }: RoomHandle) => storage.put("visits", (storage.get<number>("visits") ?? 0) + 1);
 */
export interface RoomStorage {
  /** Reads a value. Undefined if there is none. */
  get<T = unknown>(key: string): T | undefined;
  /** Stores a value that the structured clone algorithm can copy. */
  put(key: string, value: unknown): void;
  /** Deletes a value. */
  delete(key: string): void;
}

/**
 * The room, as its handlers get it. Use `RoomHandle` for a function that works with any room, and `RoomHandle<T>` with
 * {@link RoomTypes} for rooms that declare events or schedules.
 */
export interface RoomHandle<T extends AnyHandlerTypes = HandlerTypes> {
  /** The room's id, as in the URL: `game-1`. */
  readonly id: string;
  /** The room's party, as in the URL: `main`. */
  readonly party: string;
  /** The values of the `{name}` segments of the definition's `path`. */
  readonly params: Readonly<Record<string, string>>;
  /** The Worker's bindings. */
  readonly env: Cloudflare.Env;
  /** Key-value storage for data that is not room state. */
  readonly storage: RoomStorage;
  /** The stored values that could not be read. */
  readonly quarantine: RoomQuarantine;
  /** The open connections, including those at shards. */
  readonly connections: readonly Connection<T["connection"], T>[];
  /**
   * Sends a packet to one connection.
   *
   * @throws RoomError `internal` if the packet has no type or a reserved one, does not match its schema in `events`, or
   * cannot be sent as JSON
   */
  send(conn: AnyConnection, packet: T["packet"]): void;
  /**
   * Sends a packet to all connections, or to some of them. It throws as {@link send} does.
   *
   * @example
   * room.broadcast({ type: "chat", value: "hello" }, { except: conn });
   */
  broadcast(packet: T["packet"], options?: BroadcastOptions<AnyConnection>): void;
  /**
   * Whether changes are sent automatically. It can be changed at any time, and survives hibernation. The initial value
   * is the option `autoSync`.
   */
  autoSync: boolean;
  /** Whether there are changes that have not been sent to clients yet. */
  readonly pendingSync: boolean;
  /**
   * Sends all pending changes now. Connections that still wait for their first packet get it. Use it with `autoSync:
   * false`, or to send changes before `throttleSync` does. If nothing is pending, clients of protocol 1 get the whole
   * visible state again.
   */
  applySync(): void;
  /**
   * Moves a user to another room of the same party, with the state of the connection and all values of the user except
   * those with `persist: false`. Afterwards the user is no longer in this room. It needs the option `transfers` of
   * `createRooms`.
   *
   * @returns a token for `transferToken` of `connectRoom`. It works once, for `transferExpiryTime` (default 5 minutes)
   * @throws RoomError `not_found`, `room_full`, `forbidden`, `invalid_input` (it is this room) or `internal`. The user
   * then is still in this room
   * @example
   * const transferToken = await room.sessionTransfer(conn, "game-2");
   * conn.send({ type: "move", value: { room: "game-2", transferToken } });
   */
  sessionTransfer(conn: AnyConnection, targetRoomId: string): Promise<string>;
  /**
   * Runs a task of `schedules` later, even if the room sleeps or restarts in between. It runs at least once: after a
   * crash it may run again. A second call with the same name and key replaces the first. A room has up to 1,000.
   *
   * @param call the name of the task; a delay in ms or a `Date`; the payload; and `{ key }` to schedule several tasks
   * of one name. A negative delay or a `Date` in the past means now
   * @throws RoomError `internal` if there is no task of this name, or the payload does not match its schema
   * @example
   * room.schedule("end", 60_000, { price: 5 });
   * room.schedule("respawn", 5000, { hp: 10 }, { key: "orc-7" });
   */
  schedule(...call: T["schedule"]): void;
  /** Cancels the task with this name, and with this key if one is given. Does nothing if there is none. */
  unschedule(name: T["schedule"][0], options?: ScheduleOptions): void;
  /** The tasks that are scheduled. */
  readonly schedules: readonly Scheduled[];
  /**
   * Sends an HTTP request to another room, or to this one. The request has no JWT claims. Guards and handlers get the
   * address of this room as `caller`.
   *
   * @param room the id of a room of the same party, or `{ party, id }`
   * @param path the path inside the room, with a leading slash
   * @throws RoomError `not_found` if no definition matches the room
   * @example
   * const response = await room.fetch({ party: "boards", id: "board-1" }, "/top?limit=10");
   */
  fetch(room: string | RoomAddress, path: string, init?: RequestInit): Promise<Response>;
  /**
   * Calls an action with `from: "rooms"` of another room, and waits for its answer. Value and answer are sent as JSON.
   * A failed call is not repeated, since the action may have run.
   *
   * @param definition the definition of the other room, for the types. It may be omitted
   * @param room the id of a room of the same party, or `{ party, id }`
   * @param action the name of the action
   * @throws RoomError that the action threw; or `not_found` if no definition matches the room, `unknown_action` if it
   * has no such action for rooms, `invalid_input`, `timeout`, or `internal`
   * @example
   * const rank = await room.call(leaderboard, "board-1", "add", { name: "Ada", score: 12 });
   */
  call<R extends TypedRoom, N extends NameOfRoomAction<R>>(
    definition: R,
    room: string | RoomAddress,
    action: N,
    ...value: ActionArgumentsOf<R, N>
  ): Promise<ActionResultOf<R, N>>;
  call(room: string | RoomAddress, action: string, value?: unknown): Promise<unknown>;
  /**
   * Lists the room in a World, or changes its entry. Clients find it by its metadata with `findRoom` and `listRooms` of
   * `durable-rooms/client`. The runtime adds `maxUsers` and the number of users online. Anyone can read the entry. It
   * is stored at once and survives restarts.
   *
   * @param metadata a plain object of up to 2,048 bytes as JSON; null removes the room from the list
   * @throws RoomError `internal` if the metadata is not a plain object, or is larger
   * @example
   * room.setListing({ mode: "blitz", level: 3 }, { locked: state.phase() === "playing" });
   */
  setListing(metadata: Metadata | null, options?: ListingOptions): void;
  /** @deprecated Use {@link setListing}. */
  listing(metadata: Metadata | null, options?: ListingOptions): void;
  /**
   * Ends the room and deletes everything that is stored of it. `onDestroy` runs, clients are closed with 4410 and do
   * not reconnect, and `onExpire` runs for each user. The next client with the same id gets a new room. If the object
   * crashes meanwhile, the end continues when it wakes, and `onDestroy` may run again.
   *
   * @param options `reason`: the text that clients and hooks get, up to 123 bytes
   * @example
   * room.destroy({ reason: "The game is over" });
   */
  destroy(options?: { readonly reason?: string }): void;
  /**
   * Deletes everything that is stored of a user: the entry, the session, and values in quarantine. The user's
   * connections get no more packets, and those of protocol 2 or later are closed with 4403. When the user connects
   * again, it is as a new user. Use it for deletion requests.
   */
  forget(publicId: string): void;
  /**
   * Reads the entries of collections with a `history` as they were at a tick. Use it to check a hit against what the
   * shooter saw. Numbers are interpolated between two ticks, as clients do.
   *
   * @param at the number of a tick, with a fraction: usually `seen` of an input. For a time before the history, the
   * oldest values are used; for one after it, the newest
   * @param read gets the past entries by collection, key and field. P: their type
   * @returns the result of `read`
   * @throws Error if no collection has a `history`, or the room has no `tick`
   * @example
   * type Past = { readonly players: Readonly<Record<string, { readonly x: number }>> };
   * const hit = room.rewind(41.5, ({ players }: Past) => Object.keys(players).find((id) => players[id]?.x === 5));
   */
  rewind<P = Past, V = unknown>(at: number, read: (past: P) => V): V;
  /**
   * Stores all unsaved changes. Resolves when they are durable.
   *
   * @throws RoomError `internal` if something cannot be stored. It stays unsaved and is tried again later
   */
  flush(): Promise<void>;
}

/** The options of `room.setListing`. */
export interface ListingOptions {
  /** Whether `findRoom` and `listRooms` skip the room. Clients can still connect to it. Default false. */
  readonly locked?: boolean;
  /** The id of the World that lists the room. Default `"world-default"`. */
  readonly worldId?: string;
}
