import { signal } from "@signe/reactive";
import { Entries } from "./entries.ts";
import type { Factory, HistoryOptions, Variants, Visibility } from "./field.ts";
import { History } from "./history.ts";
import { mark } from "./marks.ts";
import type { Collection, FieldOptions, HiddenCollection, HiddenUsers, Users } from "./marks.ts";

export { connected, id, persist, sync } from "./marks.ts";
export type {
  Collection,
  FieldOptions,
  Hidden,
  HiddenCollection,
  HiddenUsers,
  Sent,
  Stored,
  Synced,
  Users,
} from "./marks.ts";

/** What {@link collection} and {@link users} take for the whole of it. */
type RecordOptions<V = Visibility, F extends string = string> = Pick<
  FieldOptions<unknown, V>,
  "persist" | "visibleTo"
> & {
  /** Where its entries were: some of their fields after each tick, in memory only. `room.rewind` reads it. Default: nothing. */
  readonly history?: HistoryOptions<F>;
};

/** The names of the properties of an entry. */
type NamesOf<T> = keyof NoInfer<T> & string;

type MadeBy<F> = F extends new (...args: never[]) => infer T ? T : F extends (...args: never[]) => infer T ? T : never;

/**
 * A record of entries that are shared, and stored, one by one. The key of an entry has up to 512 characters and no dot,
 * since clients take a key with dots for a path; adding one with another key throws a `RoomError` `invalid_input`.
 * An entry has the fields that the factory makes. Adding another one throws a `RoomError` `internal`.
 *
 * @param factory a class, or a function that makes an entry; or several, by names that are stored with the entries. An
 * entry is of the variant whose class made it, or whose fields it has; one that was stored without a name of the first
 * @example
 * import { collection } from "durable-rooms";
 * const monster = () => ({ hp: sync(signal(10)) });
 * const state = { monsters: collection(monster) };
 * state.monsters()["m1"] = monster(); // adds, shares and stores
 * delete state.monsters()["m1"]; // removes all of it
 * @example
 * import { collection } from "durable-rooms";
 * class Monster { hp = sync(signal(10)) }
 * class Boss extends Monster { armour = sync(signal(5)) }
 * const state = { monsters: collection({ monster: Monster, boss: Boss }) };
 * state.monsters()["b1"] = new Boss(); // a Boss after a restart too
 */
export function collection<T extends object>(
  factory: Factory<T>,
  options?: RecordOptions<"all", NamesOf<T>>,
): Collection<T>;
export function collection<T extends object>(
  factory: Factory<T>,
  options: RecordOptions<Visibility, NamesOf<T>>,
): HiddenCollection<T>;
export function collection<V extends Variants>(
  variants: V,
  options?: RecordOptions<"all">,
): Collection<MadeBy<V[keyof V]>>;
export function collection<V extends Variants>(
  variants: V,
  options: RecordOptions,
): HiddenCollection<MadeBy<V[keyof V]>>;
export function collection(factory: Factory<object> | Variants, options: RecordOptions = {}): unknown {
  return recordOf("collection", factory, options);
}

/**
 * The room's users: one entry for each, made when they first connect and removed when their session ends.
 * A room has at most one such field.
 *
 * @param factory as of {@link collection}. A user who connects is of the first variant; to make them another, replace
 * their entry
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
export function users(factory: Factory<object> | Variants, options: RecordOptions = {}): unknown {
  return recordOf("users", factory, options);
}

function recordOf(kind: "collection" | "users", factory: Factory<object> | Variants, options: RecordOptions): unknown {
  const made = typeof factory === "function" ? factory : new Map(Object.entries(factory ?? {}));
  if (made instanceof Map && (made.size === 0 || [...made.values()].some((make) => typeof make !== "function"))) {
    const variants = `${kind}({ monster: Monster, boss: Boss })`;
    throw new Error(`${kind}() takes a class or a function that makes an entry, or several by name: ${variants}`);
  }
  const record = signal<Record<string, object>>({});
  const { persist: persisted = true, visibleTo = "all" } = options;
  const history = options.history && { ...checked(options.history), History };
  return mark(record, { kind, persisted, visibleTo, factory: made, Entries, history });
}

/** The longest time that is remembered, in ms: nobody should hit what was there longer ago. */
const LONGEST_HISTORY = 2000;

function checked(history: HistoryOptions): HistoryOptions {
  const { fields, ms } = history;
  if (!Array.isArray(fields) || fields.length === 0 || !(ms > 0 && ms <= LONGEST_HISTORY))
    throw new Error(`history takes fields and ms, up to ${LONGEST_HISTORY}: { fields: ["x", "y"], ms: 500 }`);
  return history;
}
