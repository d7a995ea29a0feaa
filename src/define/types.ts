import type { z } from "zod";
import type { Users } from "../state/fields.ts";
import type { Migrations, Snapshot } from "./migrations.ts";
import type { PathParams } from "./paths.ts";
import type { RoomQuarantine } from "./quarantine.ts";
import type { ResponseBuilder } from "./response-builder.ts";

export type { ResponseBuilder, Snapshot };

/** The verified claims of a JWT. */
export type Claims = Readonly<Record<string, unknown>>;

/** What a handler or guard may return: a value, or a promise of one. */
export type Awaitable<T> = T | Promise<T>;

/** The class or record of the one `users` field of a state; undefined where there is none. */
export type UserOf<S> = [UserIn<S>] extends [never] ? undefined : UserIn<S>;
type UserIn<S> = { [K in keyof S]: S[K] extends Users<infer U> ? U : never }[keyof S];

/** A packet that a room sends by itself: any `type` that the protocol does not use. */
export interface Packet {
  readonly type: string;
  readonly value?: unknown;
}

/** One open socket of a client. A user may have several. */
export interface Connection {
  /** Unique to the socket. */
  readonly id: string;
  /** The private id that lets a client come back as the same user. Never show it to others. */
  readonly sessionId: string;
  /** The user's id as everybody sees it. */
  readonly publicId: string;
  /** The verified JWT claims, or null. */
  readonly auth: Claims | null;
  /** What {@link setState} last kept; survives hibernation. */
  readonly state: unknown;
  /**
   * Keeps a small value with the socket.
   * @throws RoomError if it cannot be stored, or exceeds what a socket may carry (about 14 KB as JSON)
   */
  setState(next: unknown): void;
  /** Sends a packet to this socket only. */
  send(packet: Packet): void;
  /** Ends the connection. @param code 1000 or 3000–4999; default 1000 */
  close(code?: number, reason?: string): void;
}

/** The object's own key-value storage, for what is not room state. Keys of the runtime's own are hidden. */
export interface RoomStorage {
  get<T = unknown>(key: string): T | undefined;
  put(key: string, value: unknown): void;
  delete(key: string): void;
}

/** The room, as its handlers see it. */
export interface RoomHandle {
  /** As in the URL: `game-1`. */
  readonly id: string;
  /** As in the URL: `main`. */
  readonly party: string;
  /** The `{name}` segments of the definition's path. */
  readonly params: Readonly<Record<string, string>>;
  /** The Worker's bindings. */
  readonly env: Cloudflare.Env;
  /** Key-value storage for what is not state. */
  readonly storage: RoomStorage;
  /** Stored values that could not be read. */
  readonly quarantine: RoomQuarantine;
  /** The open connections. */
  readonly connections: readonly Connection[];
  /** Sends a packet to one socket. */
  send(conn: Connection, packet: Packet): void;
  /** Sends a packet to all sockets, except these. */
  broadcast(packet: Packet, options?: { except?: Connection | readonly Connection[] }): void;
  /** Whether changes are sent by themselves. May be switched at any time, and survives hibernation. */
  autoSync: boolean;
  /** Whether something changed that clients do not know of yet. */
  readonly pendingSync: boolean;
  /**
   * Sends what changed, now; where nothing did, the whole visible state. Connections that have not got their
   * first packet get it.
   */
  applySync(): void;
  /**
   * Moves a user to another room of the party: with all that is stored of them, and their connections' state.
   * Here the user is gone then. @returns a token to connect there with: it works once, for 5 minutes
   * @throws RoomError `not_found`, `room_full`, `forbidden` or `internal`; the user is still here then
   */
  sessionTransfer(conn: Connection, targetRoomId: string): Promise<string>;
  /**
   * Runs an entry of `schedules` later, at least once, whatever happens until then. The same name again moves
   * it. @param when a delay in ms, or a time as a Date or in ms since 1970
   */
  schedule(name: string, when: number | Date, payload?: unknown): void;
  /** Takes back what is scheduled under a name, if anything is. */
  unschedule(name: string): void;
  /** What is scheduled. */
  readonly schedules: readonly Scheduled[];
  /** An HTTP request to another room of the party, or to this one. It comes without claims. */
  fetch(roomId: string, path: string, init?: RequestInit): Promise<Response>;
  /**
   * Lists the room in a World, where clients find it by its metadata (`findRoom` of `durable-rooms/client`), or
   * changes what is said there; null takes it off the list. The World is told of `maxUsers`, and of how many users
   * are online, by the runtime. Anybody may read it. It is stored at once, and outlives the room's memory.
   *
   * @param metadata a plain object of up to 2 KB as JSON
   * @throws RoomError `internal` if it is none, or larger
   * @example
   * room.listing({ mode: "blitz", level: 3 }, { locked: state.phase() === "playing" });
   */
  listing(metadata: Metadata | null, options?: ListingOptions): void;
  /** Stores everything that is unsaved. Resolves when it is durable. */
  flush(): Promise<void>;
}

/** What is said of a listed room: plain JSON. */
export type Metadata = Readonly<Record<string, unknown>>;

export interface ListingOptions {
  /** Whether the room is passed over when a room is looked for. It closes no door: a guard does. Default false. */
  readonly locked?: boolean;
  /** The World that lists it. Default `world-default`. */
  readonly worldId?: string;
}

/** Something that will run. */
export interface Scheduled {
  readonly name: string;
  /** ms since 1970 */
  readonly at: number;
  readonly payload: unknown;
}

interface Context<S> {
  readonly state: S;
  readonly room: RoomHandle;
}

/** What a guard gets. `request` is there when a connection or an HTTP request is guarded, not for messages. */
export interface GuardContext<S = unknown> extends Context<S> {
  readonly conn: Connection | undefined;
  readonly auth: Claims | null;
  readonly request: Request | undefined;
}

/**
 * Lets a caller pass, or not. For HTTP requests it may answer with a `Response` of its own. Inside of a definition
 * the state's type is known; a guard that stands by itself, and reads the state, says which: `Guard<State>`.
 */
export type Guard<S = never> = (
  context: GuardContext<[S] extends [never] ? unknown : S>,
  value: unknown,
) => Awaitable<boolean | Response>;

/** What an action, and a hook of a user, gets. */
export interface ActionContext<S> extends Context<S> {
  /** The user's entry in the `users` field; undefined where the state has none. */
  readonly user: UserOf<S>;
  /** The socket that asked. */
  readonly conn: Connection;
  /** The verified JWT claims, or null. */
  readonly auth: Claims | null;
}

type Schema = z.core.$ZodType;
/** What a schema hands to a handler; `unknown` where there is none. */
export type Parsed<Z> = Z extends Schema ? z.output<Z> : unknown;

/** One thing that clients can ask a room to do. What `run` returns is the ack. */
export interface Action<S, Z> {
  /** A zod schema: `run` gets what it parsed; anything else is refused as `invalid_input`. */
  readonly input?: Z;
  /** Asked in order, after the room's own guards; one false refuses as `forbidden`. */
  readonly guards?: readonly GuardFor<S>[];
  /** Does it. What it returns, or resolves to, is the answer. A {@link RoomError} refuses. */
  run(context: ActionContext<S>, value: Parsed<Z>): unknown;
}

/** A guard that reads nothing of the state, or reads this state. */
export type GuardFor<S> = (context: GuardContext<S>, value: unknown) => Awaitable<boolean | Response>;

/** What a request handler gets. P: the path, Z: the body's schema. */
export interface RequestContext<S, P extends string, Z> extends Context<S> {
  /** The request as the client made it, without what only the service uses. */
  readonly request: Request;
  /** The verified JWT claims, or null. */
  readonly auth: Claims | null;
  /** The `:name` segments of the path. */
  readonly params: PathParams<P>;
  readonly query: URLSearchParams;
  /** What the schema parsed. */
  readonly body: Parsed<Z>;
  /** Helpers for an answer. */
  readonly res: ResponseBuilder;
}

/** One HTTP route of a room. */
export interface Route<S, P extends string, Z> {
  /** A zod schema for a JSON body; anything else is answered 400. */
  readonly body?: Z;
  /** Asked in order, after the room's own guards; one may answer with a `Response`. */
  readonly guards?: readonly GuardFor<S>[];
  /** Answers: with a `Response` as it is, with text, with nothing (204), or with anything else as JSON. */
  run(context: RequestContext<S, P, Z>): unknown;
}

export type Hook<C, R = unknown> = (context: C) => Awaitable<R>;

/** The hooks and settings of a room that do not take part in inference. */
export interface RoomOptions<S> {
  /** The room ids this definition serves: literal text and `{name}` segments, as in `game-{id}`. */
  readonly path: string;
  /** Of what is stored: raise it when stored snapshots have to change with the state, as `migrate` says. Default 1. */
  readonly version?: number;
  /** For each version from 2 on, what makes a snapshot of the one before into one of it. */
  readonly migrate?: Migrations;
  /** Distinct users online at once; the next one is closed with 4503. Default: no limit. */
  readonly maxUsers?: number;
  /** Least time between sync packets in ms; 0 = one for each turn of the event loop. Default `"auto"`. */
  readonly throttleSync?: number | "auto";
  /** Longest time in ms that a change stays unsaved; 0 = durable before anything is sent. Default 1000. */
  readonly throttleStorage?: number;
  /** Whether the object may sleep while its sockets stay open. Default true. */
  readonly hibernate?: boolean;
  /** How long in ms a disconnected user is kept. Default 300,000. */
  readonly sessionExpiryTime?: number;
  /** Disconnected users that are kept: of more, those gone for longest are removed early. Default 10,000. */
  readonly maxOfflineSessions?: number;
  /** How long in ms the token of a `sessionTransfer` works, and a place is kept. Default 300,000. */
  readonly transferExpiryTime?: number;
  /** Whether changes are sent by themselves; if not, `room.applySync()` sends them. Default true. */
  readonly autoSync?: boolean;
  /** Messages of a connection in a time (ms). Default 500 in 1000. */
  readonly rateLimit?: { readonly messages: number; readonly per: number };
  /** Largest message of a client in bytes. Default 65,536. */
  readonly maxMessageBytes?: number;
  /** Whether a verified JWT is needed to connect or ask. Default `"optional"`. */
  readonly auth?: "required" | "optional";
  /** Asked for every connection, message and request of the room. */
  readonly guards?: readonly GuardFor<S>[];
  /** Gets the actions that no entry of `actions` handles. */
  readonly unhandledAction?: {
    readonly guards?: readonly GuardFor<S>[];
    run(context: ActionContext<S>, message: { action: string; value: unknown }): unknown;
  };
  /** Runs `hz` times a second, only while someone is connected. */
  readonly tick?: { readonly hz: number; run(context: Context<S>, elapsedMs: number): unknown };
  /** What `room.schedule` can run later. */
  readonly schedules?: Readonly<Record<string, { run(context: Context<S>, payload: unknown): unknown }>>;
  /**
   * Sees every packet on its way to a connection, except acks and errors, and returns what to send instead, or
   * null for nothing. The packet is its own copy. A throw sends nothing. Who was removed from the room, but still
   * listens, has no `user`.
   */
  readonly interceptorPacket?: (
    context: Context<S> & { readonly user: UserOf<S> | undefined; readonly conn: Connection },
    packet: Packet,
  ) => Awaitable<Packet | null>;
  /** After the state was made or restored, before any other event. */
  readonly onStart?: Hook<Context<S>>;
  /** For each new connection, before it gets its first packet. A throw closes it with 1011. */
  readonly onJoin?: Hook<ActionContext<S> & { readonly request: Request }>;
  /** When a user's last connection closed. */
  readonly onLeave?: Hook<ActionContext<S>>;
  /** Told of whatever a handler, guard, hook or write threw. */
  readonly onError?: Hook<Context<S> & { readonly error: unknown; readonly conn: Connection | undefined }>;
  /** Sees the stored snapshot before it is loaded, and returns what to load. */
  readonly onStorageRestore?: (context: { snapshot: Snapshot; room: RoomHandle }) => Snapshot;
  /** The same for each stored user. */
  readonly onUserStorageRestore?: (context: UserRestore<S>) => Snapshot;
  /** The same for a user who was transferred here. */
  readonly onSessionRestore?: (context: UserRestore<S> & { readonly privateId: string }) => Awaitable<Snapshot>;
}

/** Where a user is restored from. */
interface UserRestore<S> {
  readonly userSnapshot: Snapshot;
  readonly user: UserOf<S>;
  readonly publicId: string;
  readonly room: RoomHandle;
}

/** A room definition, as {@link defineRoom} takes it. S: the state, A: action schemas, O: results, R: body schemas. */
export interface RoomDefinition<S, A, O, R> extends RoomOptions<S> {
  /**
   * Makes the state of one room. Called once per instance, so that signals are never shared; and once more where a
   * stored room is migrated.
   */
  readonly state: () => S;
  /** What clients may ask for over their socket, by name. */
  readonly actions?: { [K in keyof A]: Action<S, A[K]> } & {
    [K in keyof O]: { run(...args: never[]): O[K] | Promise<O[K]> };
  };
  /** HTTP routes by method and path, as in `"GET /players/:id"`. */
  readonly requests?: { [P in keyof R]: Route<S, P & string, R[P]> };
}

/** A definition without its types, as the runtime reads it. */
export type AnyDefinition = RoomDefinition<
  object,
  Record<string, unknown>,
  Record<string, unknown>,
  Record<string, unknown>
>;
