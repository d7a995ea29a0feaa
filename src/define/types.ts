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

/** What a handler or guard may return: a value, or a promise of one. */
export type Awaitable<T> = T | Promise<T>;

/** The class or record of the one `users` field of a state; undefined where there is none. */
export type UserIn<S> = [UserEntry<S>] extends [never] ? undefined : UserEntry<S>;
type UserEntry<S> = { [K in keyof S]: S[K] extends Users<infer U> ? U : never }[keyof S];

interface Context<S, T extends AnyHandlerTypes = HandlerTypes> {
  readonly state: S;
  readonly room: RoomHandle<T>;
}
/** The connections of a room. */
type ConnectionOf<T extends AnyHandlerTypes> = Connection<T["connection"], T>;

/** The first argument of a guard. `request` is set for a new connection and an HTTP request, not for a message. */
export interface GuardContext<S = unknown, T extends AnyHandlerTypes = HandlerTypes> extends Context<S, T> {
  readonly conn: ConnectionOf<T> | undefined;
  readonly auth: Claims | null;
  readonly request: Request | undefined;
  /** What a new connection comes with, as the schema of `join` parsed it. A spectator may come without. */
  readonly join: T["join"] | undefined;
  /** Whether a new connection is that of a spectator. */
  readonly isSpectator: boolean;
  /** The room of this service that sent the request, by `room.fetch`, or that calls, by `room.call`. No client can pretend it. */
  readonly caller: RoomAddress | undefined;
}

/**
 * Decides whether a caller may pass. For HTTP requests it may also return a `Response` of its own. Inside a definition
 * the type of the state is known; a guard that is declared outside, and reads the state, names it: `Guard<State>`.
 */
export type Guard<S = unknown, T extends AnyHandlerTypes = HandlerTypes> = (
  context: GuardContext<S, T>,
  value: unknown,
) => Awaitable<boolean | Response>;

/** What an action gets, and a hook that concerns a user. */
export interface ActionContext<S, T extends AnyHandlerTypes = HandlerTypes> extends Context<S, T> {
  /** The user's entry in the `users` field; undefined where the state has none. */
  readonly user: UserIn<S>;
  /** The connection that the message or the event belongs to. */
  readonly conn: ConnectionOf<T>;
  /** The verified JWT claims, or null. */
  readonly auth: Claims | null;
}

/** The type of what a schema returns; `unknown` without a schema. */
export type Parsed<Z> = Z extends StandardSchema ? SchemaOutput<Z> : unknown;

/** What an action gets that another room calls. */
export interface RoomCallContext<S, T extends AnyHandlerTypes = HandlerTypes> extends Context<S, T> {
  /** The room that calls. */
  readonly caller: RoomAddress;
}

/**
 * One action of a room, which clients call by a message, or other rooms. What `run` returns is the answer. F: what `from` is.
 */
export interface Action<S, Z, T extends AnyHandlerTypes = HandlerTypes, F = unknown> {
  /**
   * `"rooms"`: other rooms of the service call it, by `room.call`, and no client can. Then there is no `user`, `conn` and
   * `auth`, but a `caller`, and the room's own guards are not asked. Default: clients call it.
   */
  readonly from?: "rooms";
  /**
   * A schema of zod, valibot, arktype or another library that implements https://standardschema.dev: `run` gets what it
   * parsed. A value that does not match is refused as `invalid_input`.
   */
  readonly input?: Z;
  /** Run in order, after the room's own guards. If one returns false, the message is refused as `forbidden`. */
  readonly guards?: readonly Guard<S, T>[];
  /**
   * How often each user may call it in a time (ms), over all of their connections. More is refused as `rate_limited`, and
   * does not count. Counted in memory: a room that sleeps begins anew. Default: only the room's own `rateLimit`.
   */
  readonly rateLimit?: RateLimit;
  /**
   * Handles the message. What it returns or resolves to is the answer. A {@link RoomError} that it throws is a refusal.
   */
  run(context: F extends "rooms" ? RoomCallContext<S, T> : ActionContext<S, T>, value: Parsed<Z>): unknown;
}

/** What `run` of an input gets. */
export interface InputContext<S, T extends AnyHandlerTypes = HandlerTypes> extends ActionContext<S, T> {
  /** The number of the tick. */
  readonly tick: number;
  /**
   * The tick that the client showed of others when it made this input, with its fraction: for `room.rewind`. It is no older than
   * what that client can have seen.
   */
  readonly seen: number;
}

/**
 * A kind of input, which moves the user who sends it, a tick at a time. Clients number their inputs, and show at once what
 * they do (`predict` of `durable-rooms/netcode`). S: the state, Z: the schema.
 */
export interface Input<S, Z, T extends AnyHandlerTypes = HandlerTypes> {
  /** A schema for one input, of any library of https://standardschema.dev. It cannot be async, and what it returns is what clients predict with. */
  readonly input?: Z;
  /**
   * What an input does to the user's own entry in one tick. A pure function, in a file that room and client share: it
   * changes nothing, reads nothing else, and returns the fields that change. What it throws is reported, and nothing changes.
   */
  step(entry: EntryView<UserIn<S>>, input: Parsed<Z>, context: StepContext<StateView<S>>): StepResult<UserIn<S>>;
  /** Runs in the room only, right after the step: for what an input does to others, such as a shot. It cannot be async. */
  run?(context: InputContext<S, T>, input: Parsed<Z>): void;
}

/** What a request handler gets. P: the path, Z: the body's schema. */
export interface RequestContext<S, P extends string, Z, T extends AnyHandlerTypes = HandlerTypes> extends Context<
  S,
  T
> {
  /** The client's request, without credentials and the service's own headers. */
  readonly request: Request;
  /** The verified JWT claims, or null. */
  readonly auth: Claims | null;
  /** The room that sent the request by `room.fetch`; undefined for all others. No client can pretend it. */
  readonly caller: RoomAddress | undefined;
  /** The `:name` segments of the path. */
  readonly params: PathParams<P>;
  readonly query: URLSearchParams;
  /** The body, as the schema parsed it. */
  readonly body: Parsed<Z>;
  /** Helpers that build a response. */
  readonly res: ResponseBuilder;
}

/** One HTTP route of a room. */
export interface Route<S, P extends string, Z, T extends AnyHandlerTypes = HandlerTypes> {
  /** A schema for the JSON body, of any such library. A body that does not match is answered with 400. */
  readonly body?: Z;
  /** Run in order, after the room's own guards. One may return a `Response` as the answer. */
  readonly guards?: readonly Guard<S, T>[];
  /** Handles the request. A `Response` is sent as it is, a string as text, undefined as 204, anything else as JSON. */
  run(context: RequestContext<S, P, Z, T>): unknown;
}

export type Hook<C, R = unknown> = (context: C) => Awaitable<R>;

/**
 * Why a user left: the client closed the connection; the connection broke; the room closed it or removed the user; or the
 * user went to another room.
 */
export type LeaveReason = "closed" | "lost" | "kicked" | "transferred";
/** Why a session ended: its time ran out, the user was removed or forgotten, or the room was destroyed. */
export type ExpireReason = "time" | "removal" | "destruction";

/** What `onExpire` gets of the user. */
export interface Expired<S> {
  readonly publicId: string;
  readonly user: UserIn<S> | undefined;
  readonly reason: ExpireReason;
}

/** The hooks and settings of a room whose types are not inferred. */
export interface RoomOptions<S, T extends AnyHandlerTypes = HandlerTypes> extends RoomLimits {
  /** The room ids this definition serves: literal text and `{name}` segments, as in `game-{id}`. */
  readonly path: string;
  /**
   * The version of what is stored. Raise it when stored snapshots have to change, and add a step to `migrate`. Default
   * 1.
   */
  readonly version?: number;
  /** For each version from 2 on, a function that turns a snapshot of the version before into one of that version. */
  readonly migrate?: Migrations;
  /** Run for every connection, message and request of the room. */
  readonly guards?: readonly Guard<S, T>[];
  /** Gets the actions that no entry of `actions` handles. Its guards get `{ action, value }` too. */
  readonly unhandledAction?: {
    readonly guards?: readonly Guard<S, T>[];
    run(context: ActionContext<S, T>, message: { action: string; value: unknown }): unknown;
  };
  /**
   * Runs `hz` times a second, only while someone is connected. `tick` is its number, which no other tick of the room has,
   * also not after a restart; clients are told it with the packets. Without `run` it only applies `inputs`.
   */
  readonly tick?: {
    readonly hz: number;
    run?(context: Context<S, T> & { readonly tick: number }, elapsedMs: number): unknown;
  };
  /**
   * Gets every packet before it is sent to a connection, except acks and errors, and returns what to send instead, or
   * null for nothing. The packet is a copy for this connection. If it throws, nothing is sent; if it takes longer than
   * 30 seconds, the connection is closed with 1011. `user` is undefined for a connection whose user was removed from
   * the room.
   */
  readonly interceptorPacket?: (
    context: Context<S, T> & { readonly user: UserIn<S> | undefined; readonly conn: ConnectionOf<T> },
    packet: Packet,
  ) => Awaitable<Packet | null>;
  /**
   * Runs once in the life of a room, before `onStart`: when somebody comes for the first time, or for the first time after
   * it was destroyed. What it changes is stored at once. If the room dies before it is done, it runs again.
   */
  readonly onCreate?: Hook<Context<S, T>>;
  /**
   * Runs when the room is destroyed, before clients are closed and anything is deleted, for up to 30 seconds. If the
   * room dies meanwhile, it runs again.
   */
  readonly onDestroy?: Hook<Context<S, T> & { readonly reason: string | undefined }>;
  /** Runs after the state was made or restored, before any other event. */
  readonly onStart?: Hook<Context<S, T>>;
  /**
   * Runs for each new connection, except those of spectators, before its first packet is sent. If it throws, the connection
   * is closed with 1011. `join` is what the client came with, if there is a schema for it.
   */
  readonly onJoin?: Hook<ActionContext<S, T> & { readonly request: Request; readonly join: T["join"] }>;
  /** Runs when a user's last connection has closed, or their user was removed or went to another room. */
  readonly onLeave?: Hook<ActionContext<S, T> & { readonly reason: LeaveReason }>;
  /** Runs when a session ends for good: the user cannot come back as who they were. `user` is as they were, if they are there. */
  readonly onExpire?: Hook<Context<S, T> & Expired<S>>;
  /** Gets every error that a handler, guard, hook or write threw. */
  readonly onError?: Hook<Context<S, T> & { readonly error: unknown; readonly conn: ConnectionOf<T> | undefined }>;
  /**
   * Gets the stored snapshot before it is loaded, and returns what to load. A promise is awaited: until then no event
   * comes in. If it throws, or takes longer than 20 seconds, the room does not start, and what is stored stays as it is.
   */
  readonly onStorageRestore?: (context: { snapshot: Snapshot; room: RoomHandle<T> }) => Awaitable<Snapshot>;
  /** The same for each stored user, all at once. A user for whom it throws is put aside, in `room.quarantine`. */
  readonly onUserStorageRestore?: (context: UserRestore<S, T>) => Awaitable<Snapshot>;
  /** The same for a user who was transferred here. */
  readonly onSessionRestore?: (context: UserRestore<S, T> & { readonly privateId: string }) => Awaitable<Snapshot>;
}

/** The argument of the hooks that restore a user. */
interface UserRestore<S, T extends AnyHandlerTypes> {
  readonly userSnapshot: Snapshot;
  readonly user: UserIn<S>;
  readonly publicId: string;
  readonly room: RoomHandle<T>;
}

/** Something that `room.schedule` can run later. */
export interface Schedule<S, Z, T extends AnyHandlerTypes = HandlerTypes> {
  /** A schema for the payload, of any such library: `run` gets what it parsed. It cannot be async. */
  readonly payload?: Z;
  /** Runs it. `key` is that of `room.schedule`, if it had one. */
  run(context: Context<S, T> & { readonly key: string | undefined }, payload: Parsed<Z>): unknown;
}

/** How a route is named. */
export type RouteName = `${"GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS"} /${string}`;

/**
 * A room definition, as {@link defineRoom} takes it. S: the state, A: action schemas, O: results, R: body schemas, E:
 * schemas of events, N: of what schedules take, K: the names of schedules, C: the state of connections, J: the schema of
 * what clients join with, F: who calls the actions, I: schemas of inputs.
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
   * Makes the state of one room. Called once for each instance, so that signals are never shared; and once more when a
   * stored room is migrated.
   */
  readonly state: () => S;
  /** The actions that clients can call over their socket, and other rooms, by name. */
  readonly actions?: {
    [P in keyof A]: Action<S, A[P], Declared<E, N, K, C, J>, P extends keyof F ? F[P] : unknown>;
  } & {
    [P in keyof O]: { run(...args: never[]): O[P] | Promise<O[P]> };
  } & { [P in keyof F]: { readonly from?: F[P] } };
  /**
   * What moves users, by name: clients number these, show at once what they do, and the room applies them in its ticks, in
   * their order and each once. They need a `tick`, and a `users` field.
   */
  readonly inputs?: { [P in keyof I]: Input<S, I[P], Declared<E, N, K, C, J>> };
  /** HTTP routes by method and path, as in `"GET /players/:id"`. */
  readonly requests?: {
    [P in keyof R]: Route<S, P & string, R[P], Declared<E, N, K, C, J>> & (P extends RouteName ? unknown : RouteName);
  };
  /**
   * What the room sends by itself, by name: schemas of the values. With it `room.send`, `room.broadcast` and `conn.send`
   * take only these, and in development a value that does not match is an error. Clients get the values as they were
   * sent. Schemas cannot be async. Without it any packet may be sent.
   */
  readonly events?: { readonly [P in keyof E]: E[P] extends StandardSchema ? E[P] : StandardSchema };
  /**
   * What clients have to give to join (`params` of `connectRoom`): guards and `onJoin` get it as `join`, as the schema parsed
   * it. A client that gives something else is closed with 4400. It has at most 2,048 bytes as JSON, and is in the URL: no
   * place for secrets.
   */
  readonly join?: { readonly input: J };
  /** Makes the first `conn.state` of each connection. Its type is that of `conn.state`. Default undefined. */
  readonly connectionState?: () => C;
  /** What `room.schedule` can run later, by name. */
  readonly schedules?: { [P in keyof N]: Schedule<S, N[P], Declared<E, N, K, C, J>> } & { readonly [P in K]: unknown };
}
/** What is declared in one place of a definition is not inferred from others, which only use it. */
type Declared<E, N, K extends string, C, J> = RoomTypes<
  NoInfer<E>,
  Named<NoInfer<N>, NoInfer<K>>,
  NoInfer<C>,
  NoInfer<J>
>;
/** The schemas of schedules by name. Names are known earlier than schemas are. */
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
