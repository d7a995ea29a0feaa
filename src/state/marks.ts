import { isComputed, isSignal, signal } from "@signe/reactive";
import type { Signal, WritableObjectSignal, WritableSignal } from "@signe/reactive";
import { isPlain } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import type { Factories, Factory, Field, FieldKind, Visibility } from "./field.ts";
import { FIELD, fieldOf, ID, nodeOf } from "./members.ts";
import type { Codec } from "./codecs.ts";
import { liveComputed } from "./signals/adapter.ts";

declare const USER: unique symbol;
declare const SYNCED: unique symbol;
declare const HIDDEN: unique symbol;
declare const SENT: unique symbol;
declare const STORED: unique symbol;
declare const UNTRANSFORMED: unique symbol;

/** A field that clients see. Only a type, as those below: it tells a typed client which fields a state has. */
export interface Synced {
  readonly [SYNCED]: true;
}
/** A field that not every client sees. */
export interface Hidden extends Synced {
  readonly [HIDDEN]: true;
}
/** A field that clients see in another form. T: the type that is sent instead of the value. */
export interface Sent<T> extends Synced {
  readonly [SENT]: T;
}
/** The type for a field without a `transform`. */
interface Untransformed {
  readonly [UNTRANSFORMED]: true;
}
/** A field that no client sees. */
export interface Stored {
  readonly [STORED]: true;
}

/**
 * The options of {@link sync} for a field. T: its value, V: who sees it, R: the type that is sent instead of the value.
 */
export interface FieldOptions<T = unknown, V = Visibility, R = unknown> {
  /**
   * Whether the value is stored and survives a restart of the room. A computed signal is never stored. Default true.
   */
  readonly persist?: boolean;
  /** Who sees the field. Default `"all"`. */
  readonly visibleTo?: V;
  /** Returns the value to send to clients. The stored value is not changed. Default: the value itself. */
  readonly transform?: (value: T) => R;
  /**
   * The values that the field holds, to send them in fewer bytes: `quantized`, `integer`, `float32`, `boolean` or
   * `oneOf`. Default: any JSON value.
   */
  readonly as?: Codec<T>;
}

/** The signal of a `users` field: a record of the room's users by publicId. */
export type Users<U> = WritableObjectSignal<Record<string, U>> & { readonly [USER]: U } & Synced;
/** The signal of a `collection` field: a record of entries by key. */
export type Collection<T> = WritableObjectSignal<Record<string, T>> & Synced;
/** A `users` field that not every client sees. */
export type HiddenUsers<U> = Users<U> & Hidden;
/** A `collection` field that not every client sees. */
export type HiddenCollection<T> = Collection<T> & Hidden;
/** An entry that a collection made, with the name of its kind. */
interface MadeEntry {
  readonly target: object;
  readonly kind: string | undefined;
}

/** The key for the name of an entry's kind in its row, besides its fields. No field can have this name. */
export const KIND_KEY = "$kind";

const DEFAULTS = {
  synced: true,
  persisted: true,
  visibleTo: "all",
  transform: undefined,
  codec: undefined,
  factory: undefined,
  Entries: undefined,
  target: undefined,
} as const;
/** Shared by most fields, since rooms have very many of them. */
const SYNCED_FIELD: Field = { kind: "value", ...DEFAULTS };

/** Marks something as a field. @throws Error if it is a field already */
export function mark<S>(target: S, field: Partial<Field> & { kind: FieldKind }): S {
  return markAs(target, { ...DEFAULTS, ...field });
}

/**
 * The number of fields made in this isolate, except those of entries. If it grows, a room looks for fields that were
 * assigned.
 */
export let fieldsMade = 0;

function markAs<S>(target: S, field: Field): S {
  fieldsMade++;
  if ((target as { [FIELD]?: Field })[FIELD]) {
    throw new Error("This signal is already a field: mark each signal once, with sync, persist or connected");
  }
  (target as { [FIELD]?: Field })[FIELD] = field;
  return target;
}

type ValueOf<S> = S extends () => infer T ? T : unknown;
/** The mark of a field with this `transform`. */
type SentAs<R> = [R] extends [Untransformed] ? Synced : Sent<R>;

/**
 * Shares a signal, a computed signal, or the signals of an object with the room's clients.
 *
 * @param target a signal of `@signe/reactive`, or a plain object of signals, which are shared one by one
 * @param options `persist` (default true), `visibleTo` (default `"all"`), `transform`, `as`
 * @returns the same signal or object. For a computed signal, a new signal that follows all signals that it reads
 * @throws Error if the target has no signal, if a signal is marked already, or if `as` is used with a computed signal
 * or a `transform`
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
    codec: options?.as,
  };
  if (field.codec && (field.transform || isComputed(target)))
    throw new Error("sync() cannot combine as with a computed signal or a transform");
  if (isComputed(target)) {
    return mark(liveComputed(target as never), { ...field, kind: "computed", persisted: false });
  }
  if (isSignal(target)) return mark(target, { ...field, kind: "value" });
  const inner = Object.entries(target).filter(([, value]) => value !== target && isMarkable(value));
  if (inner.length === 0) {
    throw new Error("sync() takes a signal, a computed signal, or an object of signals");
  }
  const record = target as Record<string, unknown>;
  for (const [key, value] of inner) if (!fieldOf(value)) record[key] = sync(value as object, options as FieldOptions);
  return target;
}

/** Whether a value is a signal or an object of signals. Entries are marked by their collection. */
function isMarkable(value: unknown, around: readonly unknown[] = []): boolean {
  if (isSignal(value)) return true;
  if (!isPlain(value) || nodeOf(value)?.isWhole || around.includes(value)) return false;
  return Object.values(value).some((inner) => isMarkable(inner, [...around, value]));
}

/**
 * Stores a signal with the room without sending it to clients.
 *
 * @throws Error if the target is not a writable signal, or is marked already
 * @example
 * import { persist } from "durable-rooms";
 * const state = () => ({ seed: persist(signal(1)) });
 */
export function persist<S extends Signal>(target: S): S & Stored {
  if (!isSignal(target) || isComputed(target)) throw new Error("persist() takes a writable signal");
  return mark(target, { kind: "value", synced: false }) as S & Stored;
}

/**
 * A boolean field of a user that is true while the user has at least one open connection. The runtime sets it. It is
 * not stored.
 *
 * @example
 * import { connected } from "durable-rooms";
 * class Player { online = connected() }
 */
export function connected(): WritableSignal<boolean> & Synced {
  return mark(signal<boolean>(false), { kind: "connected", persisted: false }) as WritableSignal<boolean> & Synced;
}

/**
 * A property that is set to the entry's key when the entry is added. For a user it is the publicId. Before that it
 * holds a placeholder text. It is not sent, since clients know the key.
 *
 * @example
 * import { id } from "durable-rooms";
 * class Player { id = id() }
 */
export function id(): string {
  return ID;
}

/** Makes an entry of the stored kind, or of the first kind if none is stored. @throws Error if there is no such kind */
export function makeEntry(factories: Factories, key: string, stored?: Plain): MadeEntry {
  const kind = kindOfStored(factories, stored);
  const factory = typeof factories === "function" ? factories : factories.get(kind as string);
  if (!factory) throw new Error(`This collection has no variant ${JSON.stringify(kind)}`);
  return { target: makeBy(factory, key), kind };
}

/**
 * Returns the kind of a stored entry, or the first kind if none is stored. Undefined for a collection without variants.
 */
export function kindOfStored(factories: Factories, stored: Plain | undefined): string | undefined {
  if (typeof factories === "function") return undefined;
  return (stored?.[KIND_KEY] ?? factories.keys().next().value) as string;
}

/** Removes the kind of an entry that was stored elsewhere if this collection does not know it. */
export function ofKnownKind(factories: Factories, stored: Plain): Plain {
  const isKnown = typeof factories !== "function" && factories.has(kindOfStored(factories, stored) as string);
  return isKnown ? stored : { ...stored, [KIND_KEY]: undefined };
}

/** Makes an entry with its factory. */
export function makeBy(factory: Factory<object>, key: string): object {
  const before = fieldsMade;
  try {
    return callFactory(factory, key);
  } finally {
    fieldsMade = before;
  }
}

function callFactory(factory: Factory<object>, key: string): object {
  if (isClass(factory)) return new (factory as new () => object)();
  // Arrow functions and methods have no prototype. `new` with a function that returns an object gives that object.
  return (factory as { prototype?: unknown }).prototype === undefined
    ? (factory as (key: string) => object)(key)
    : new (factory as unknown as new (key: string) => object)(key);
}

/** Whether a factory is a class. The prototype of a class is not writable. */
export function isClass(factory: object): boolean {
  return Object.getOwnPropertyDescriptor(factory, "prototype")?.writable === false;
}
