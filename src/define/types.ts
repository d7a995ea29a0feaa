import type { StateView } from "./client-state.ts";
import type { EntryView, StepContext, StepResult } from "./inputs.ts";
import type { RateLimit, RoomLimits } from "./room-limits.ts";
import type { Users } from "../state/fields.ts";
import type { Migrations, Snapshot } from "./migrations.ts";
import type { PathParams } from "./paths.ts";
import type { ResponseBuilder } from "./response-builder.ts";
import type { Claims, Connection, ListingOptions, RoomAddress, RoomHandle, RoomStorage } from "./room-handle.ts";
import type {
  AnyHandlerTypes,
  Events,
  HandlerTypes,
  Metadata,
  Packet,
  RoomTypes,
  Scheduled,
  ScheduleOptions,
} from "./room-types.ts";
import type { SchemaOutput, StandardSchema } from "./standard-schema.ts";

export type { Claims, Connection, ListingOptions, RoomAddress, RoomHandle, RoomStorage };
export type { Events, Metadata, Packet, ResponseBuilder, RoomTypes, Scheduled, ScheduleOptions, Snapshot };

/** The result of a handler or guard: a value, or a promise of one. */
export type Awaitable<T> = T | Promise<T>;

/** The entry of the `users` field of a state. Undefined if it has no such field. */
export type UserIn<S> = [UserEntry<S>] extends [never] ? undefined : UserEntry<S>;
type UserEntry<S> = { [K in keyof S]: S[K] extends Users<infer U> ? U : never }[keyof S];

interface Context<S, T extends AnyHandlerTypes = HandlerTypes> {
  /** The state of the room. Changes to its signals are sent and stored. */
  readonly state: S;
  /** The room itself: its id, its connections, and what it can do. */
  readonly room: RoomHandle<T>;
}
/** The connections of a room. */
type ConnectionOf<T extends AnyHandlerTypes> = Connection<T["connection"], T>;

/** The first argument of a guard. A guard runs for new connections, for messages and for HTTP requests. */
export interface GuardContext<S = unknown, T extends AnyHandlerTypes = HandlerTypes> extends Context<S, T> {
  /** The connection of a message. Undefined for a new connection and for an HTTP request. */
  readonly conn: ConnectionOf<T> | undefined;
  /** The verified JWT claims, or null without a token. */
  readonly auth: Claims | null;
  /** The request of a new connection or the HTTP request. Undefined for a message. */
  readonly request: Request | undefined;
  /** The value that a new connection joins with, parsed by the schema of `join`. Spectators may connect without one. */
  readonly join: T["join"] | undefined;
  /** Whether a new connection is a spectator. */
  readonly isSpectator: boolean;
  /**
   * The room of this service that sent the request with `room.fetch`, or that called the action with `room.call`.
   * Clients cannot forge it.
   */
  readonly caller: RoomAddress | undefined;
}

/**
 * Decides whether a caller may continue. Return false to refuse it as `forbidden`, or throw a {@link RoomError} to
 * refuse it with another code. For an HTTP request a guard may return a `Response`, which is the answer. A guard that
 * is declared outside of a definition and reads the state needs its type: `Guard<State>`.
 */
export type Guard<S = unknown, T extends AnyHandlerTypes = HandlerTypes> = (
  context: GuardContext<S, T>,
  value: unknown,
) => Awaitable<boolean | Response>;

/** The first argument of an action, and of hooks about one user. */
export interface ActionContext<S, T extends AnyHandlerTypes = HandlerTypes> extends Context<S, T> {
  /** The user's entry in the `users` field. Undefined if the state has no such field. */
  readonly user: UserIn<S>;
  /** The connection that sent the message, or that the hook is about. */
  readonly conn: ConnectionOf<T>;
  /** The verified JWT claims, or null without a token. */
  readonly auth: Claims | null;
}

/** The output type of a schema. `unknown` without a schema. */
export type Parsed<Z> = Z extends StandardSchema ? SchemaOutput<Z> : unknown;

/** The first argument of an action with `from: "rooms"`, which another room calls. */
export interface RoomCallContext<S, T extends AnyHandlerTypes = HandlerTypes> extends Context<S, T> {
  /** The address of the room that calls. */
  readonly caller: RoomAddress;
}

/**
 * One action of a room. Clients call it with a message, or other rooms call it with `room.call`. The return value of
 * `run` is the answer. F: the type of `from`.
 */
export interface Action<S, Z, T extends AnyHandlerTypes = HandlerTypes, F = unknown> {
  /**
   * `"rooms"`: only other rooms of the service may call the action, with `room.call`. The context has a `caller` but no
   * `user`, `conn` and `auth`, and the room's own guards do not run. Default: only clients may call it.
   */
  readonly from?: "rooms";
  /**
   * A schema for the value: zod, valibot, arktype, or any library that implements https://standardschema.dev. `run`
   * gets the parsed value. A value that does not match is refused with `invalid_input`. Default: any JSON value.
   */
  readonly input?: Z;
  /** Guards that run after the room's own. If one is false, the message is refused as `forbidden`. Default: none. */
  readonly guards?: readonly Guard<S, T>[];
  /**
   * How many calls each user may make, over all of their connections, in `per` ms. Further calls are refused with
   * `rate_limited` and are not counted. The count is in memory, so it is reset when the room hibernates. Default: no
   * limit besides the room's `rateLimit`.
   */
  readonly rateLimit?: RateLimit;
  /**
   * Handles the message. Its result is the answer and has to be JSON. Throw a {@link RoomError} to refuse the message.
   */
  run(context: F extends "rooms" ? RoomCallContext<S, T> : ActionContext<S, T>, value: Parsed<Z>): unknown;
}

/** The first argument of `run` of an input. */
export interface InputContext<S, T extends AnyHandlerTypes = HandlerTypes> extends ActionContext<S, T> {
  /** The number of the current tick. */
  readonly tick: number;
  /**
   * The tick at which the client displayed other entities when it made this input, as a number with a fraction. Pass it
   * to `room.rewind`. It is limited to what this client can have seen.
   */
  readonly seen: number;
}

/**
 * One kind of input, which moves its user by one tick. Clients number their inputs and predict the result (`predict` of
 * `durable-rooms/netcode`). S: the state, Z: the schema.
 */
export interface Input<S, Z, T extends AnyHandlerTypes = HandlerTypes> {
  /**
   * A schema for one input, from any library that implements https://standardschema.dev. It cannot be async. Clients
   * predict with the parsed value. Default: any JSON value.
   */
  readonly input?: Z;
  /**
   * Computes what one input changes in the user's own entry, and returns the changed fields. It runs in the room and in
   * the client, so it has to be a pure function: do not change the arguments, and read nothing else. If it throws, the
   * error is reported and nothing changes.
   */
  step(entry: EntryView<UserIn<S>>, input: Parsed<Z>, context: StepContext<StateView<S>>): StepResult<UserIn<S>>;
  /** Runs in the room only, after the step: for effects on others, such as a shot. It cannot be async. Default: none. */
  run?(context: InputContext<S, T>, input: Parsed<Z>): void;
}

/** The argument of a request handler. P: the path, Z: the schema of the body. */
export interface RequestContext<S, P extends string, Z, T extends AnyHandlerTypes = HandlerTypes> extends Context<
  S,
  T
> {
  /** The client's request. Credentials and the service's own headers are removed. */
  readonly request: Request;
  /** The verified JWT claims, or null without a token. */
  readonly auth: Claims | null;
  /** The room that sent the request with `room.fetch`. Undefined for all other requests. Clients cannot forge it. */
  readonly caller: RoomAddress | undefined;
  /** The `:name` segments of the path, decoded. */
  readonly params: PathParams<P>;
  /** The query parameters of the URL. */
  readonly query: URLSearchParams;
  /** The JSON body, parsed by the schema. Undefined without a schema. */
  readonly body: Parsed<Z>;
  /** Builds a response. */
  readonly res: ResponseBuilder;
}

/** One HTTP route of a room. S: the state, P: the path, Z: the schema of the body. */
export interface Route<S, P extends string, Z, T extends AnyHandlerTypes = HandlerTypes> {
  /**
   * A schema for the JSON body, from any library that implements https://standardschema.dev. A body that does not match
   * is answered with 400. Default: the body is not parsed.
   */
  readonly body?: Z;
  /** Guards that run in order after the room's own. One may return a `Response`, which is the answer. Default: none. */
  readonly guards?: readonly Guard<S, T>[];
  /**
   * Handles the request. A returned `Response` is sent unchanged, a string as text, undefined as 204, and any other
   * value as JSON.
   */
  run(context: RequestContext<S, P, Z, T>): unknown;
}

export type Hook<C, R = unknown> = (context: C) => Awaitable<R>;

/**
 * Why a user left:
 * - `"closed"`: the client closed the connection
 * - `"lost"`: the connection broke
 * - `"kicked"`: the room closed the connection or removed the user
 * - `"transferred"`: the user moved to another room
 */
export type LeaveReason = "closed" | "lost" | "kicked" | "transferred";
/**
 * Why a session ended:
 * - `"time"`: `sessionExpiryTime` is over
 * - `"removal"`: the user was removed or forgotten
 * - `"destruction"`: the room was destroyed
 */
export type ExpireReason = "time" | "removal" | "destruction";

/** What `onExpire` gets about the user. */
export interface Expired<S> {
  readonly publicId: string;
  readonly user: UserIn<S> | undefined;
  readonly reason: ExpireReason;
}

/** The hooks and settings of a room whose types are not inferred. */
export interface RoomOptions<S, T extends AnyHandlerTypes = HandlerTypes> extends RoomLimits {
  /**
   * The room ids that this definition serves: literal text and `{name}` segments, such as `game-{id}`. A segment
   * matches one character or more. The first definition of a party that matches is used. Required.
   */
  readonly path: string;
  /**
   * The version of the stored state, a whole number from 1. Increase it when the stored format changes, and add a step
   * to `migrate`. Default 1.
   */
  readonly version?: number;
  /**
   * For each version from 2 to `version`, a function that converts a snapshot of the previous version. Default: none.
   */
  readonly migrate?: Migrations;
  /** Guards that run in order for every connection, message and HTTP request of the room. Default: none. */
  readonly guards?: readonly Guard<S, T>[];
  /**
   * Handles messages whose action is not in `actions`. Its guards get `{ action, value }` as their second argument.
   * Default: such a message is refused with `unknown_action`.
   */
  readonly unhandledAction?: {
    readonly guards?: readonly Guard<S, T>[];
    run(context: ActionContext<S, T>, message: { action: string; value: unknown }): unknown;
  };
  /**
   * Runs `hz` times a second (0.1 to 1000) while at least one client is connected. The room does not hibernate
   * meanwhile. `tick` is the number of the tick. It is unique in the life of the room, even after a restart, and is
   * sent to clients with each patch. `elapsedMs` is the time since the last tick. Without `run`, a tick only applies
   * `inputs`. Default: none.
   */
  readonly tick?: {
    readonly hz: number;
    run?(context: Context<S, T> & { readonly tick: number }, elapsedMs: number): unknown;
  };
  /**
   * Called before each packet is sent to a connection, except for acknowledgements and errors. Return the packet to
   * send, or null to send nothing. The packet is a copy for this connection. If the function throws, nothing is sent.
   * If it takes longer than 30 s, the connection is closed with 1011. `user` is undefined if the user was removed from
   * the room. Default: packets are sent unchanged.
   */
  readonly interceptorPacket?: (
    context: Context<S, T> & { readonly user: UserIn<S> | undefined; readonly conn: ConnectionOf<T> },
    packet: Packet,
  ) => Awaitable<Packet | null>;
  /**
   * Runs once in the life of a room, before `onStart`: at the first connection or request, and again after the room was
   * destroyed. Its changes are stored at once. If the object crashes before it is done, it runs again. Default: none.
   */
  readonly onCreate?: Hook<Context<S, T>>;
  /**
   * Runs when the room is destroyed, before clients are closed and data is deleted, for up to 30 s. `reason` is that of
   * `room.destroy`, or `"expired"` after `expireAfter`. If the object crashes meanwhile, it runs again. Default: none.
   */
  readonly onDestroy?: Hook<Context<S, T> & { readonly reason: string | undefined }>;
  /**
   * Runs each time the room has loaded its state, including after hibernation. No event is handled until it is done, for up
   * to 30 s. Default: none.
   */
  readonly onStart?: Hook<Context<S, T>>;
  /**
   * Runs for each new connection, except those of spectators, before its first packet is sent. `join` is the value that
   * the client joins with. If it throws, the connection is closed: with the code of a {@link RoomError}, otherwise with
   * 1011. It is also closed with 1011 if the hook takes longer than 60 s. Default: none.
   */
  readonly onJoin?: Hook<ActionContext<S, T> & { readonly request: Request; readonly join: T["join"] }>;
  /** Runs when the last connection of a user closed, or the user was removed or moved to another room. Default: none. */
  readonly onLeave?: Hook<ActionContext<S, T> & { readonly reason: LeaveReason }>;
  /**
   * Runs when a session has ended and the user can no longer resume it. `user` is the entry before it was removed, or
   * undefined if there is none. Default: none.
   */
  readonly onExpire?: Hook<Context<S, T> & Expired<S>>;
  /** Runs for each error that a handler, guard, hook or write throws, except for refusals. Default: none. */
  readonly onError?: Hook<Context<S, T> & { readonly error: unknown; readonly conn: ConnectionOf<T> | undefined }>;
  /**
   * Gets the stored snapshot before it is loaded, and returns the snapshot to load. No event is handled until then. If
   * it throws or takes longer than 20 s, the room does not start, and the stored data stays unchanged. Default: none.
   */
  readonly onStorageRestore?: (context: { snapshot: Snapshot; room: RoomHandle<T> }) => Awaitable<Snapshot>;
  /**
   * Gets the stored snapshot of each user before it is loaded, and returns the snapshot to load. It runs for all users
   * at the same time. If it throws for a user, that user is moved to `room.quarantine`. Default: none.
   */
  readonly onUserStorageRestore?: (context: UserRestore<S, T>) => Awaitable<Snapshot>;
  /** Gets the snapshot of a user who was transferred to this room, and returns the snapshot to load. Default: none. */
  readonly onSessionRestore?: (context: UserRestore<S, T> & { readonly privateId: string }) => Awaitable<Snapshot>;
}

/** The argument of the hooks that restore a user. */
interface UserRestore<S, T extends AnyHandlerTypes> {
  readonly userSnapshot: Snapshot;
  readonly user: UserIn<S>;
  readonly publicId: string;
  readonly room: RoomHandle<T>;
}

/** A task that `room.schedule` can run later. S: the state, Z: the schema of the payload. */
export interface Schedule<S, Z, T extends AnyHandlerTypes = HandlerTypes> {
  /**
   * A schema for the payload, from any library that implements https://standardschema.dev. It cannot be async. `run`
   * gets the parsed payload. Default: any JSON value.
   */
  readonly payload?: Z;
  /** Runs the task. `key` is the key given to `room.schedule`. If it throws, it is tried again later. */
  run(context: Context<S, T> & { readonly key: string | undefined }, payload: Parsed<Z>): unknown;
}

/** The name of a route: its method and its path. */
export type RouteName = `${"GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS"} /${string}`;

/**
 * The options of {@link defineRoom}. S: the state, A: schemas of actions, O: results of actions, R: schemas of bodies,
 * E: schemas of events, N: schemas of payloads, K: names of schedules, C: the state of connections, J: the schema of
 * `join`, F: who calls each action, I: schemas of inputs.
 */
export interface RoomDefinition<
  S,
  A,
  O,
  R,
  E = unknown,
  N = unknown,
  K extends string = string,
  C = unknown,
  J = unknown,
  F = unknown,
  I = unknown,
> extends RoomOptions<S, Declared<E, N, K, C, J>> {
  /**
   * Makes the state of one room. It is called for each instance of a room, and once more when a stored room is
   * migrated. Make all signals inside of it: rooms in one isolate share everything else. Required.
   */
  readonly state: () => S;
  /** The actions that clients, or other rooms, can call, by name. Default: none. */
  readonly actions?: {
    [P in keyof A]: Action<S, A[P], Declared<E, N, K, C, J>, P extends keyof F ? F[P] : unknown>;
  } & {
    [P in keyof O]: { run(...args: never[]): O[P] | Promise<O[P]> };
  } & { [P in keyof F]: { readonly from?: F[P] } };
  /**
   * The inputs that move users, by name. The room applies each of them once, in order, in its ticks, and clients
   * predict their effect. They need a `tick` and a `users` field. Default: none.
   */
  readonly inputs?: { [P in keyof I]: Input<S, I[P], Declared<E, N, K, C, J>> };
  /** HTTP routes by method and path, such as `"GET /players/:id"`. Default: none. */
  readonly requests?: {
    [P in keyof R]: Route<S, P & string, R[P], Declared<E, N, K, C, J>> & (P extends RouteName ? unknown : RouteName);
  };
  /**
   * Schemas of the packets that the room sends, by type. `room.send`, `room.broadcast` and `conn.send` then accept only
   * these. In development, a value that does not match throws. Clients get the value as it was given, not the parsed
   * one. Schemas cannot be async. Default: any packet may be sent.
   */
  readonly events?: { readonly [P in keyof E]: E[P] extends StandardSchema ? E[P] : StandardSchema };
  /**
   * A schema for the value that clients join with (`params` of `connectRoom`). Guards and `onJoin` get the parsed value
   * as `join`. If it does not match, the connection is closed with 4400. It may have 2,048 bytes as JSON. It is part of
   * the URL: do not put secrets into it. Default: clients join without a value.
   */
  readonly join?: { readonly input: J };
  /** Makes the initial `conn.state` of each connection, and gives it its type. Default: undefined. */
  readonly connectionState?: () => C;
  /** The tasks that `room.schedule` can run later, by name. Default: none. */
  readonly schedules?: { [P in keyof N]: Schedule<S, N[P], Declared<E, N, K, C, J>> } & { readonly [P in K]: unknown };
}
/** Types are inferred from one place of a definition only. All other places use them. */
type Declared<E, N, K extends string, C, J> = RoomTypes<
  NoInfer<E>,
  Named<NoInfer<N>, NoInfer<K>>,
  NoInfer<C>,
  NoInfer<J>
>;
/** The schemas of schedules by name. TypeScript infers the names before the schemas. */
type Named<N, K extends string> = string extends K ? N : { [P in K]: P extends keyof N ? N[P] : unknown };

/** A definition without its types, as the runtime reads it. */
export interface AnyDefinition extends Omit<
  RoomDefinition<object, Record<string, unknown>, Record<string, unknown>, Record<string, unknown>>,
  "events" | "schedules" | "inputs"
> {
  readonly inputs?: Readonly<Record<string, Input<object, unknown>>>;
  readonly events?: Events;
  readonly schedules?: Readonly<Record<string, Schedule<object, unknown>>>;
}
