import { isComputed, isSignal, signal } from "@signe/reactive";
import type { Signal, WritableObjectSignal, WritableSignal } from "@signe/reactive";
import { isPlain } from "../protocol/values.ts";
import { Entries } from "./entries.ts";
import { fieldMade } from "./factories.ts";
import type { Factory, Field, FieldKind, Variants, Visibility } from "./field.ts";
import { FIELD, fieldOf, ID, nodeOf } from "./members.ts";
import { liveComputed } from "./signals/adapter.ts";

declare const USER: unique symbol;
declare const SYNCED: unique symbol;
declare const HIDDEN: unique symbol;
declare const SENT: unique symbol;
declare const STORED: unique symbol;
declare const UNTRANSFORMED: unique symbol;

/** What clients see. Only a type, as those below: it tells a typed client which fields of a state there are. */
export interface Synced {
  readonly [SYNCED]: true;
}
/** What not every client sees. */
export interface Hidden extends Synced {
  readonly [HIDDEN]: true;
}
/** What clients see in another form. T: what is sent in place of the value. */
export interface Sent<T> extends Synced {
  readonly [SENT]: T;
}
/** What stands for the absence of a `transform`. */
interface Untransformed {
  readonly [UNTRANSFORMED]: true;
}
/** What no client sees. */
export interface Stored {
  readonly [STORED]: true;
}

/** What {@link sync} takes for a field. T: its value, V: who sees it, R: what is sent in place of the value. */
export interface FieldOptions<T = unknown, V = Visibility, R = unknown> {
  /** Whether the value survives a restart of the room. Default true; a computed signal never does. */
  readonly persist?: boolean;
  /** Who sees it. Default `"all"`. */
  readonly visibleTo?: V;
  /** What clients get instead of the value itself. The stored value stays as it is. */
  readonly transform?: (value: T) => R;
}

/** What {@link collection} and {@link users} take for the whole of it. */
type RecordOptions<V = Visibility> = Pick<FieldOptions<unknown, V>, "persist" | "visibleTo">;

/** The signal of a `users` field: a plain record of the room's users, keyed by publicId. */
export type Users<U> = WritableObjectSignal<Record<string, U>> & { readonly [USER]: U } & Synced;
/** The signal of a `collection` field: a plain record of entries. */
export type Collection<T> = WritableObjectSignal<Record<string, T>> & Synced;
type MadeBy<F> = F extends new (...args: never[]) => infer T ? T : F extends (...args: never[]) => infer T ? T : never;

const DEFAULTS = {
  synced: true,
  persisted: true,
  visibleTo: "all",
  transform: undefined,
  factory: undefined,
  Entries: undefined,
  target: undefined,
} as const;
/** What most fields are: rooms have very many of them. */
const SYNCED_FIELD: Field = { kind: "value", ...DEFAULTS };

/** Marks something as a field. @throws Error if it is one already */
export function mark<S>(target: S, field: Partial<Field> & { kind: FieldKind }): S {
  return markAs(target, { ...DEFAULTS, ...field });
}

function markAs<S>(target: S, field: Field): S {
  fieldMade();
  if ((target as { [FIELD]?: Field })[FIELD]) {
    throw new Error("This signal is a field already: mark each signal once, with one of sync, persist, connected");
  }
  (target as { [FIELD]?: Field })[FIELD] = field;
  return target;
}

type ValueOf<S> = S extends () => infer T ? T : unknown;
/** How a field is marked in place of whose value this is sent. */
type SentAs<R> = [R] extends [Untransformed] ? Synced : Sent<R>;

/**
 * Marks a signal, a computed signal, or an object of signals as shared with the room's clients.
 *
 * @param target a signal of `@signe/reactive`, or a plain object whose signals are then shared one by one
 * @param options `persist` (default true), `visibleTo` (default `"all"`), `transform`
 * @returns the same signal or object; for a computed signal one that follows whatever it reads
 * @throws if the target holds no signal, or one that is marked already
 * @example
 * import { sync } from "durable-rooms";
 * const state = () => ({ score: sync(signal(0)), hand: sync(signal<string[]>([]), { visibleTo: "owner" }) });
 */
export function sync<S extends object, R = Untransformed>(
  target: S,
  options?: FieldOptions<ValueOf<S>, "all", R>,
): S & SentAs<R>;
export function sync<S extends object, R = Untransformed>(
  target: S,
  options: FieldOptions<ValueOf<S>, Visibility, R>,
): S & SentAs<R> & Hidden;
export function sync(target: object, options?: FieldOptions): object {
  if (!options && isSignal(target) && !isComputed(target)) return markAs(target, SYNCED_FIELD);
  const field = {
    persisted: options?.persist ?? true,
    visibleTo: options?.visibleTo ?? "all",
    transform: options?.transform,
  };
  if (isComputed(target)) {
    return mark(liveComputed(target as never), { ...field, kind: "computed", persisted: false });
  }
  if (isSignal(target)) return mark(target, { ...field, kind: "value" });
  const inner = Object.entries(target).filter(([, value]) => value !== target && isMarkable(value));
  if (inner.length === 0) {
    throw new Error("sync() takes a signal, a computed signal, or an object that holds some");
  }
  const record = target as Record<string, unknown>;
  for (const [key, value] of inner) if (!fieldOf(value)) record[key] = sync(value as object, options as FieldOptions);
  return target;
}

/** Whether something is a signal, or an object that holds some. Entries are marked where they are made. */
function isMarkable(value: unknown, around: readonly unknown[] = []): boolean {
  if (isSignal(value)) return true;
  if (!isPlain(value) || nodeOf(value)?.isWhole || around.includes(value)) return false;
  return Object.values(value).some((inner) => isMarkable(inner, [...around, value]));
}

/**
 * Marks a signal as stored with the room and never sent to a client.
 *
 * @example
 * import { persist } from "durable-rooms";
 * const state = () => ({ seed: persist(signal(1)) });
 */
export function persist<S extends Signal>(target: S): S & Stored {
  if (!isSignal(target) || isComputed(target)) throw new Error("persist() takes a writable signal");
  return mark(target, { kind: "value", synced: false }) as S & Stored;
}

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
export function collection<T extends object>(factory: Factory<T>, options?: RecordOptions<"all">): Collection<T>;
export function collection<T extends object>(factory: Factory<T>, options: RecordOptions): Collection<T> & Hidden;
export function collection<V extends Variants>(
  variants: V,
  options?: RecordOptions<"all">,
): Collection<MadeBy<V[keyof V]>>;
export function collection<V extends Variants>(
  variants: V,
  options: RecordOptions,
): Collection<MadeBy<V[keyof V]>> & Hidden;
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
export function users<U extends object>(factory: Factory<U>, options?: RecordOptions<"all">): Users<U>;
export function users<U extends object>(factory: Factory<U>, options: RecordOptions): Users<U> & Hidden;
export function users<V extends Variants>(variants: V, options?: RecordOptions<"all">): Users<MadeBy<V[keyof V]>>;
export function users<V extends Variants>(variants: V, options: RecordOptions): Users<MadeBy<V[keyof V]>> & Hidden;
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
  return mark(record, { kind, persisted, visibleTo, factory: made, Entries });
}

/**
 * A boolean that the runtime keeps true while a user has at least one open connection. Never stored.
 *
 * @example
 * import { connected } from "durable-rooms";
 * class Player { online = connected() }
 */
export function connected(): WritableSignal<boolean> & Synced {
  return mark(signal<boolean>(false), { kind: "connected", persisted: false }) as WritableSignal<boolean> & Synced;
}

/**
 * A property that is filled with the entry's key when the entry is added; for a user it is the publicId. Until then it
 * holds text that says so. It is not sent: clients know the key.
 *
 * @example
 * import { id } from "durable-rooms";
 * class Player { id = id() }
 */
export function id(): string {
  return ID;
}
