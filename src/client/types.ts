import type { Given } from "../define/room-types.ts";
import type { ActionArgumentsOf, ActionResultOf, EntriesOf, JsonOf, NameOfRoomAction } from "../define/action-types.ts";
import type { AnyRoom } from "../define/room.ts";
import type { StateView } from "../define/client-state.ts";

export type { AsJson } from "../define/action-types.ts";

type TypesOf<R extends AnyRoom> = NonNullable<R["types"]>;

/** The events of a room that declares some, by name, with what is sent; any other room may send anything. */
export type RoomEvents<R extends AnyRoom> = unknown extends TypesOf<R>["events"]
  ? Readonly<Record<string, unknown>>
  : SentEvents<TypesOf<R>["events"], EntriesOf<TypesOf<R>["state"]>>;
type SentEvents<V, E> = { readonly [K in keyof V & string]: JsonOf<Given<V[K]>, E> };

/** The names of a room's actions, except those that are only for other rooms. */
export type ActionName<R extends AnyRoom> = Exclude<keyof TypesOf<R>["inputs"] & string, NameOfRoomAction<R>>;

/** What an action takes: nothing more where it has no schema that says so. */
export type ActionArguments<R extends AnyRoom, K extends ActionName<R>> = ActionArgumentsOf<R, K>;

/** What an action answers, as JSON brings it. */
export type ActionResult<R extends AnyRoom, K extends ActionName<R>> = ActionResultOf<R, K>;

/**
 * The state of a room as its clients see it. What only some of them see is optional: a field with `visibleTo`, a
 * reference, and an object that holds nothing else.
 */
export type ClientState<R extends AnyRoom> = StateView<TypesOf<R>["state"]>;
