import type { KeyedVisibility, Viewer } from "./field.ts";
import { KeyIndex } from "./key-index.ts";
import type { Keys } from "./key-index.ts";
import type { EVERYTHING } from "./key-rules.ts";
import { keyed } from "./keyed.ts";

/** The options of {@link byKey}. E: an entry of the collection. */
export interface ByKeyOptions<E> {
  /**
   * Returns the keys of an entry: one, a list, or undefined for none. `owner` is the publicId of the user whose entry
   * it is in, or undefined.
   */
  readonly of: (entry: E, owner: string | undefined) => Keys;
  /** Returns the keys of a viewer, or `EVERYTHING` if the viewer sees all entries. */
  readonly for: (viewer: Viewer) => Keys | typeof EVERYTHING;
  /** Whether users always see their own entry. Default true. */
  readonly own?: boolean;
}

/**
 * Shows an entry of a collection to the viewers that share a key with it: for teams, zones, floors, fog of war. An
 * entry that becomes visible is sent as a whole, and one that becomes invisible is deleted. Clients do not learn
 * anything about other entries, not even their keys. `of` and `for` may read signals. They run again only for the entry
 * or viewer whose signals changed.
 *
 * @throws Error if `of` or `for` is not a function
 * @example
 * import { byKey, collection, EVERYTHING, persist, signal, sync } from "durable-rooms";
 * class Trap {
 *   team = persist(signal("red"));
 *   damage = sync(signal(10));
 * }
 * const traps = collection(Trap, {
 *   visibleTo: byKey<Trap>({
 *     of: (trap) => trap.team(),
 *     for: ({ auth }) => (auth?.["role"] === "referee" ? EVERYTHING : String(auth?.["team"])),
 *   }),
 * });
 */
export function byKey<E extends object>({ of, for: keysFor, own = true }: ByKeyOptions<E>): KeyedVisibility {
  if (typeof of !== "function" || typeof keysFor !== "function")
    throw new Error("byKey() takes two functions: byKey({ of: (entry) => key, for: (viewer) => key })");
  return visibleByKeys({ of, for: keysFor, own }, [of, keysFor, own]);
}

/** @param code what tells it from others */
function visibleByKeys<E extends object>({ of, for: keysFor, own }: Required<ByKeyOptions<E>>, code: unknown) {
  const createIndex = () => new KeyIndex(of as (entry: object, owner: string | undefined) => Keys, keysFor);
  return keyed({ fields: undefined, seesOwn: own, createIndex }, code);
}

/**
 * Shows users to each other if they have the same key, such as a team: the short form of {@link byKey} for a `users`
 * field.
 *
 * @param of returns the keys of a user's entry: one, a list, or undefined for none
 * @example
 * import { persist, sameKey, signal, users } from "durable-rooms";
 * class Player {
 *   team = persist(signal("red"));
 * }
 * const players = users(Player, { visibleTo: sameKey<Player>((player) => player.team()) });
 */
export function sameKey<E extends object>(of: (entry: E) => Keys): KeyedVisibility {
  const keysFor = ({ user }: Viewer) => (user === undefined ? undefined : of(user as E));
  return visibleByKeys<E>({ of: (entry) => of(entry), for: keysFor, own: true }, of);
}
