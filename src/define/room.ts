import type { TypedRoom } from "./action-types.ts";
import type { PathPattern } from "./paths.ts";
import type { RouteTable } from "./routes.ts";
import type { Settings } from "./settings.ts";
import type { Action, AnyDefinition, Input, UserIn } from "./types.ts";

/** A room definition that {@link defineRoom} made. Clients use its type: `connectRoom<typeof gameRoom>`. */
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
 * The state of a definition, as its handlers have it; or what a function makes that makes one.
 *
 * @example
 * import type { StateOf } from "durable-rooms";
 * const countOf = (state: StateOf<typeof gameRoom>) => state.count();
 */
export type StateOf<R> = R extends DefinedRoom<infer S> ? S : R extends () => infer S ? S : never;
/** The user's entry of a definition, or of a state; undefined where there is none. */
export type UserOf<R> = UserIn<R extends DefinedRoom<infer S> ? S : R>;
/** Any room definition, whatever its state and actions. */
export type AnyRoom = DefinedRoom;
/** @deprecated Its name is {@link DefinedRoom}: `RoomHandle` is the room that handlers get. */
export type Room<S = unknown, A = unknown, O = unknown, E = unknown, J = unknown> = DefinedRoom<S, A, O, E, J>;

/** A definition, checked and ready to run. */
export interface CompiledRoom {
  readonly definition: AnyDefinition;
  /** The version of what it stores, from 1. */
  readonly version: number;
  readonly pattern: PathPattern;
  readonly settings: Settings;
  readonly actions: ReadonlyMap<string, Action<object, unknown>>;
  readonly inputs: ReadonlyMap<string, Input<object, unknown>>;
  readonly routes: RouteTable;
  /** What the log was told of in development: mistakes in the state, once for all rooms. */
  readonly told: Set<string>;
}

/** Finds the definition for a room of a party, with the parameters of its path. */
export type FindRoom = (party: string, id: string) => { room: AnyRoom; params: Record<string, string> } | undefined;
