import type { Given } from "../define/room-types.ts";
import type { ActionArgumentsOf, ActionResultOf, EntriesOf, JsonOf, NameOfRoomAction } from "../define/action-types.ts";
import type { AnyRoom } from "../define/room.ts";
import type { StateView } from "../define/client-state.ts";

export type { AsJson } from "../define/action-types.ts";

type TypesOf<R extends AnyRoom> = NonNullable<R["types"]>;

/** The events that a room declares, by type, with their values. A room that declares none may send any packet. */
export type RoomEvents<R extends AnyRoom> = unknown extends TypesOf<R>["events"]
  ? Readonly<Record<string, unknown>>
  : SentEvents<TypesOf<R>["events"], EntriesOf<TypesOf<R>["state"]>>;
type SentEvents<V, E> = { readonly [K in keyof V & string]: JsonOf<Given<V[K]>, E> };

/** The names of the actions that clients can call. */
export type ActionName<R extends AnyRoom> = Exclude<keyof TypesOf<R>["inputs"] & string, NameOfRoomAction<R>>;

/** The arguments of an action: its value, or none if its schema allows undefined. */
export type ActionArguments<R extends AnyRoom, K extends ActionName<R>> = ActionArgumentsOf<R, K>;

/** The result of an action, as it arrives as JSON. */
export type ActionResult<R extends AnyRoom, K extends ActionName<R>> = ActionResultOf<R, K>;

/**
 * The state of a room as its clients see it. Parts that only some clients see are optional: fields with `visibleTo`,
 * references, and objects that contain nothing else.
 *
 * @example
 * import type { ClientState } from "durable-rooms/client";
 * const countOf = (state: ClientState<typeof gameRoom>) => state.count;
 */
export type ClientState<R extends AnyRoom> = StateView<TypesOf<R>["state"]>;
