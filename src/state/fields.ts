import { signal } from "@signe/reactive";
import { Entries } from "./entries.ts";
import type { Factory, HistoryOptions, Variants, Visibility } from "./field.ts";
import { History } from "./history.ts";
import { mark } from "./marks.ts";
import type { Collection, FieldOptions, HiddenCollection } from "./marks.ts";

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

/** The options of {@link collection} and `users`. They apply to all entries. */
export type RecordOptions<V = Visibility, F extends string = string> = Pick<
  FieldOptions<unknown, V>,
  "persist" | "visibleTo"
> & {
  /** Fields of the entries to remember after each tick, in memory only, for `room.rewind`. Default: none. */
  readonly history?: HistoryOptions<F>;
};

/** The names of the properties of an entry. */
export type NamesOf<T> = keyof NoInfer<T> & string;

export type MadeBy<F> = F extends new (...args: never[]) => infer T
  ? T
  : F extends (...args: never[]) => infer T
    ? T
    : never;

/**
 * A record of entries, such as monsters or items. Each entry is sent and stored on its own. Add, replace and delete
 * entries as properties of the record.
 *
 * A key has up to 512 characters and no dot. Another key is refused with a `RoomError` `invalid_input`. An entry has
 * the fields that the factory makes. Adding another field throws a `RoomError` `internal`.
 *
 * @param factory a class, or a function of the key that makes an entry. For several kinds of entries, pass an object of
 * factories: their names are stored with the entries. A stored entry without a name is of the first kind
 * @param options `persist` (default true), `visibleTo` (default `"all"`), `history` (default none)
 * @throws Error if the factory is missing, or the history is malformed
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
 * Makes the field of `users`, which is in `app/users.ts`.
 * @param roomParts what rooms do with users. A Worker without users does not contain it
 */
export function usersWith(
  roomParts: object,
  factory: Factory<object> | Variants,
  options: RecordOptions = {},
): unknown {
  return recordOf("users", factory, options, roomParts);
}

function recordOf(
  kind: "collection" | "users",
  factory: Factory<object> | Variants,
  options: RecordOptions,
  roomParts?: object,
): unknown {
  const made = typeof factory === "function" ? factory : new Map(Object.entries(factory ?? {}));
  if (made instanceof Map && (made.size === 0 || [...made.values()].some((make) => typeof make !== "function"))) {
    const variants = `${kind}({ monster: Monster, boss: Boss })`;
    throw new Error(`${kind}() takes a class or a function that makes an entry, or several by name: ${variants}`);
  }
  const record = signal<Record<string, object>>({});
  const { persist: persisted = true, visibleTo = "all" } = options;
  const history = options.history && { ...checked(options.history), History };
  return mark(record, { kind, persisted, visibleTo, factory: made, Entries, history, roomParts });
}

/** The longest history, in ms. An older position should not be hit. */
const LONGEST_HISTORY = 2000;

function checked(history: HistoryOptions): HistoryOptions {
  const { fields, ms } = history;
  if (!Array.isArray(fields) || fields.length === 0 || !(ms > 0 && ms <= LONGEST_HISTORY))
    throw new Error(`history takes fields and ms, up to ${LONGEST_HISTORY}: { fields: ["x", "y"], ms: 500 }`);
  return history;
}
