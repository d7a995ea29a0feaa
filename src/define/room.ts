import type { TypedRoom } from "./action-types.ts";
import type { PathPattern } from "./paths.ts";
import type { RouteTable } from "./routes.ts";
import type { Settings } from "./settings.ts";
import type { Action, AnyDefinition, Input, UserIn } from "./types.ts";

/** A room definition that {@link defineRoom} made. Pass its type to the client: `connectRoom<typeof gameRoom>`. */
export interface DefinedRoom<
  S = unknown,
  A = unknown,
  O = unknown,
  E = unknown,
  J = unknown,
  F = unknown,
  I = unknown,
> extends TypedRoom<S, A, O, E, J, F, I> {
  /** @internal */
  readonly compiled: CompiledRoom;
}
/**
 * The state of a room definition, as its handlers get it. It also takes the type of a function that makes a state.
 *
 * @example
 * import type { StateOf } from "durable-rooms";
 * const countOf = (state: StateOf<typeof gameRoom>) => state.count();
 */
export type StateOf<R> = R extends DefinedRoom<infer S> ? S : R extends () => infer S ? S : never;
/**
 * The type of the entries of the `users` field of a room definition, or of a state. Undefined if it has no such field.
 *
 * @example
 * import type { UserOf } from "durable-rooms";
 * const isHere = (user: UserOf<typeof gameRoom>) => user !== undefined;
 */
export type UserOf<R> = UserIn<R extends DefinedRoom<infer S> ? S : R>;
/** A room definition with any state and actions. */
export type AnyRoom = DefinedRoom;
/** @deprecated Use {@link DefinedRoom}. `RoomHandle` is the room that handlers get. */
export type Room<S = unknown, A = unknown, O = unknown, E = unknown, J = unknown> = DefinedRoom<S, A, O, E, J>;

/** A definition that was checked and is ready to run. */
export interface CompiledRoom {
  readonly definition: AnyDefinition;
  /** The version of the stored state, from 1. */
  readonly version: number;
  readonly pattern: PathPattern;
  readonly settings: Settings;
  readonly actions: ReadonlyMap<string, Action<object, unknown>>;
  readonly inputs: ReadonlyMap<string, Input<object, unknown>>;
  readonly routes: RouteTable;
  /** Mistakes in the state that were logged in development, so that each is logged once for all rooms. */
  readonly told: Set<string>;
}

/** Finds the definition of a room and the parameters of its path. */
export type FindRoom = (party: string, id: string) => { room: AnyRoom; params: Record<string, string> } | undefined;
