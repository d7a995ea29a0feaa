import type { KeyedVisibility, Viewer } from "./field.ts";
import { KeyIndex } from "./key-index.ts";
import type { Keys } from "./key-index.ts";
import type { EVERYTHING } from "./key-rules.ts";
import { keyed } from "./keyed.ts";

/** What {@link byKey} takes. E: an entry of the collection. */
export interface ByKeyOptions<E> {
  /** The keys of an entry. `owner` is the publicId of the user whose entry it is in, if it is in one. */
  readonly of: (entry: E, owner: string | undefined) => Keys;
  /** The keys of a viewer; `EVERYTHING` for one who sees all entries. */
  readonly for: (viewer: Viewer) => Keys | typeof EVERYTHING;
  /** Whether users see their own entry in any case. Default true. */
  readonly own?: boolean;
}

/**
 * Shows an entry of a collection to the viewers that share a key with it: teams, zones, floors, fog of war, spectators.
 * An entry that comes into sight is sent whole, one that leaves is deleted; nobody is told of any other, not even its
 * key. The functions may read signals, and run again only when one of those changes, for that entry or viewer alone.
 *
 * @param options `of` gives the keys of an entry, `for` those of a viewer
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
  return keyed({
    fields: undefined,
    seesOwn: own,
    createIndex: () => new KeyIndex(of as (entry: object, owner: string | undefined) => Keys, keysFor),
  });
}

/**
 * Users see those of their own kind: the short form of {@link byKey} for a `users` field.
 *
 * @example
 * import { persist, sameKey, signal, users } from "durable-rooms";
 * class Player {
 *   team = persist(signal("red"));
 * }
 * const players = users(Player, { visibleTo: sameKey<Player>((player) => player.team()) });
 */
export function sameKey<E extends object>(of: (entry: E) => Keys): KeyedVisibility {
  return byKey<E>({ of: (entry) => of(entry), for: ({ user }) => (user === undefined ? undefined : of(user as E)) });
}
