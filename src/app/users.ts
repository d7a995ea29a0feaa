import { Inputs } from "../room/actions/inputs.ts";
import type { UserParts } from "../room/optional-parts.ts";
import { RemovedUsers } from "../room/sessions/removed-users.ts";
import type { Factory, Variants, Visibility } from "../state/field.ts";
import { usersWith } from "../state/fields.ts";
import type { HiddenUsers, MadeBy, NamesOf, RecordOptions, Users } from "../state/fields.ts";

/** What rooms do with users. A Worker without users does not contain it. */
const PARTS: UserParts = { Inputs, RemovedUsers };

/**
 * The users of the room, by publicId. An entry is made when a user connects for the first time, and removed when their
 * session ends. A state has at most one such field.
 *
 * @param factory makes an entry, as for {@link collection}. With several kinds, a new user is of the first; replace the
 * entry to change the kind
 * @param options `persist` (default true), `visibleTo` (default `"all"`), `history` (default none)
 * @throws Error if the factory is missing, or the history is malformed
 * @example
 * import { users } from "durable-rooms";
 * class Player { x = sync(signal(0)) }
 * const state = () => ({ players: users(Player) });
 */
export function users<U extends object>(factory: Factory<U>, options?: RecordOptions<"all", NamesOf<U>>): Users<U>;
export function users<U extends object>(
  factory: Factory<U>,
  options: RecordOptions<Visibility, NamesOf<U>>,
): HiddenUsers<U>;
export function users<V extends Variants>(variants: V, options?: RecordOptions<"all">): Users<MadeBy<V[keyof V]>>;
export function users<V extends Variants>(variants: V, options: RecordOptions): HiddenUsers<MadeBy<V[keyof V]>>;
export function users(factory: Factory<object> | Variants, options?: RecordOptions): unknown {
  return usersWith(PARTS, factory, options);
}
