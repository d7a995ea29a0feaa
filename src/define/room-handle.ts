import type { ActionArgumentsOf, ActionResultOf, NameOfRoomAction, TypedRoom } from "./action-types.ts";
import type { BroadcastOptions } from "./broadcast-options.ts";
import type { RoomQuarantine } from "./quarantine.ts";
import type { Past } from "../state/history.ts";
import type { AnyHandlerTypes, HandlerTypes, Metadata, Scheduled, ScheduleOptions } from "./room-types.ts";

/** The verified claims of a JWT. */
export type Claims = Readonly<Record<string, unknown>>;

/** One open socket of a client. A user may have several. C: its state, T: what the definition declares. */
export interface Connection<C = unknown, T extends AnyHandlerTypes = HandlerTypes> {
  /** Unique to the socket. */
  readonly id: string;
  /** The private id that lets a client come back as the same user. Never show it to others. */
  readonly sessionId: string;
  /** The user's id as everybody sees it. */
  readonly publicId: string;
  /** The verified JWT claims, or null. */
  readonly auth: Claims | null;
  /** Whether it is that of a spectator, who has no user. */
  readonly isSpectator: boolean;
  /**
   * The value that {@link setState} stored last. It survives hibernation. Before, it is what `connectionState` of the
   * definition makes, which also says its type.
   */
  readonly state: C;
  /**
   * Stores a small value with the socket, or what a function makes of the previous one.
   * @throws RoomError if it cannot be stored, or exceeds what a socket may carry (about 14 KB as JSON)
   * @example
   * conn.setState({ page: 1 });
   * conn.setState((previous) => ({ ...(previous as { page: number }), page: 2 }));
   */
  setState(change: (previous: C) => C): void;
  setState(next: C): void;
  /** Sends a packet to this socket only. */
  send(packet: T["packet"]): void;
  /** Ends the connection. @param code 1000 or 3000–4999; default 1000 */
  close(code?: number, reason?: string): void;
}

/** Any connection, whatever its state. */
type AnyConnection = Pick<Connection, "id" | "sessionId" | "state">;

/** Which room of the service. */
export interface RoomAddress {
  readonly party: string;
  readonly id: string;
}

/** Key-value storage for data that is not room state. The runtime's own keys are hidden. */
export interface RoomStorage {
  get<T = unknown>(key: string): T | undefined;
  put(key: string, value: unknown): void;
  delete(key: string): void;
}

/**
 * The room, as its handlers see it. A function of your own takes any room as `RoomHandle`, and one of a definition that declares events or
 * schedules with `T`.
 */
export interface RoomHandle<T extends AnyHandlerTypes = HandlerTypes> {
  /** As in the URL: `game-1`. */
  readonly id: string;
  /** As in the URL: `main`. */
  readonly party: string;
  /** The `{name}` segments of the definition's path. */
  readonly params: Readonly<Record<string, string>>;
  /** The Worker's bindings. */
  readonly env: Cloudflare.Env;
  /** Key-value storage for data that is not room state. */
  readonly storage: RoomStorage;
  /** Stored values that could not be read. */
  readonly quarantine: RoomQuarantine;
  /** The open connections. */
  readonly connections: readonly Connection<T["connection"], T>[];
  /** Sends a packet to one socket. */
  send(conn: AnyConnection, packet: T["packet"]): void;
  /** Sends a packet to all sockets, or to some of them. */
  broadcast(packet: T["packet"], options?: BroadcastOptions<AnyConnection>): void;
  /** Whether changes are sent automatically. It can be switched at any time, and survives hibernation. */
  autoSync: boolean;
  /** Whether there are changes that were not sent to clients. */
  readonly pendingSync: boolean;
  /**
   * Sends all pending changes now; if there are none, the whole visible state. Connections that wait for their first
   * packet get it.
   */
  applySync(): void;
  /**
   * Moves a user to another room of the party, with the state of their connections and all of their values except those
   * of fields with `persist: false`.
   * Afterwards the user is not in this room any more.
   * @returns a token to connect to the other room with; it works once, for 5 minutes
   * @throws RoomError `not_found`, `room_full`, `forbidden` or `internal`; then the user is still in this room
   */
  sessionTransfer(conn: AnyConnection, targetRoomId: string): Promise<string>;
  /**
   * Runs an entry of `schedules` later, at least once, even if the room restarts meanwhile. Another call with the same
   * name, and the same key, replaces the time and the payload.
   *
   * @param call its name; `when`, which is a delay in ms, or a Date; the payload; and `{ key }`, with which there may be
   * several of one name. A negative delay, and a Date that is over, mean now
   * @throws RoomError `internal` if there is no such schedule, or its payload does not match its schema
   * @example
   * room.schedule("end", 60_000, { price: 5 });
   * room.schedule("respawn", 5000, { hp: 10 }, { key: "orc-7" });
   */
  schedule(...call: T["schedule"]): void;
  /** Cancels what is scheduled under a name, and a key if one is given; if anything is. */
  unschedule(name: T["schedule"][0], options?: ScheduleOptions): void;
  /** What is scheduled. */
  readonly schedules: readonly Scheduled[];
  /**
   * Sends an HTTP request to another room, or to this one. It arrives without claims; guards and handlers there know by
   * `caller` which room it comes from.
   *
   * @param room its id in this party, or `{ party, id }`
   * @param path inside the room, with its leading slash
   * @throws RoomError `not_found` if the service has no such room
   * @example
   * const response = await room.fetch({ party: "boards", id: "board-1" }, "/top?limit=10");
   */
  fetch(room: string | RoomAddress, path: string, init?: RequestInit): Promise<Response>;
  /**
   * Calls an action of another room that is marked `from: "rooms"`, and waits for its answer. What goes there and back is
   * JSON, as with a client. If the call breaks, nobody knows whether it was done: it is not repeated.
   *
   * @param definition of the other room, for the types of what the action takes and answers; it may be left out
   * @param room its id in this party, or `{ party, id }`
   * @throws RoomError what the action throws; `not_found` if the service has no such room, `unknown_action` if it has no such
   * action for rooms, `invalid_input`, `timeout`, or `internal`
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
   * Lists the room in a World, where clients find it by its metadata (`findRoom` of `durable-rooms/client`), or
   * changes its entry; null removes it from the list. The runtime adds `maxUsers`, and how many users are online.
   * Anyone may read the entry. It is stored at once, and survives restarts.
   *
   * @param metadata a plain object of up to 2 KB as JSON
   * @throws RoomError `internal` if the metadata is not a plain object, or is larger
   * @example
   * room.setListing({ mode: "blitz", level: 3 }, { locked: state.phase() === "playing" });
   */
  setListing(metadata: Metadata | null, options?: ListingOptions): void;
  /** @deprecated Its name is {@link setListing}. */
  listing(metadata: Metadata | null, options?: ListingOptions): void;
  /**
   * Ends the room for good. `onDestroy` runs, clients are closed with 4410, which they do not try again, `onExpire` runs
   * for each user, and all that is stored of the room is deleted. Who comes after that finds a new room. It is stored at
   * once that the room ends: if it dies meanwhile, it goes on, and `onDestroy` may run again.
   *
   * @param options `reason`: what clients and hooks are told, up to 123 bytes
   * @example
   * room.destroy({ reason: "The game is over" });
   */
  destroy(options?: { readonly reason?: string }): void;
  /**
   * Deletes all that is stored of a user: the entry, the session, and values in quarantine. Their connections get nothing
   * more, and those of clients of protocol 2 are closed with 4403. Who comes back is a new user.
   */
  forget(publicId: string): void;
  /**
   * Reads where entries were at a tick: those of collections with a `history`, by the name of the collection. Numbers are between
   * two ticks as clients show them.
   *
   * @param at the number of a tick, with its fraction: `seen` of an input, which is never longer ago than its client can have
   * seen. What is not remembered any more is taken as it was at first, and what is to come as it is
   * @param read gets the past, and returns what the call returns. P: its type, by collection, key and field
   * @throws Error if no collection has a `history`, or the room has no `tick`
   * @example
   * type Past = { readonly players: Readonly<Record<string, { readonly x: number }>> };
   * const hit = room.rewind(41.5, ({ players }: Past) => Object.keys(players).find((id) => players[id]?.x === 5));
   */
  rewind<P = Past, V = unknown>(at: number, read: (past: P) => V): V;
  /**
   * Stores everything that is unsaved. Resolves when it is durable.
   * @throws RoomError `internal` if something cannot be stored. It is tried again later, as after any change
   */
  flush(): Promise<void>;
}

export interface ListingOptions {
  /** Whether searches skip the room. Clients can still connect to it, unless a guard refuses them. Default false. */
  readonly locked?: boolean;
  /** The World that lists it. Default `world-default`. */
  readonly worldId?: string;
}
