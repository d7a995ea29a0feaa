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
  /** What values it holds, which are rounded to that when they are set: `quantized`, `integer`, `float32`, `boolean`, `oneOf`. */
  readonly as?: Codec<T>;
}

/** The signal of a `users` field: a plain record of the room's users, keyed by publicId. */
export type Users<U> = WritableObjectSignal<Record<string, U>> & { readonly [USER]: U } & Synced;
/** The signal of a `collection` field: a plain record of entries. */
export type Collection<T> = WritableObjectSignal<Record<string, T>> & Synced;
/** A `users` field that not every client sees. */
export type HiddenUsers<U> = Users<U> & Hidden;
/** A `collection` field that not every client sees. */
export type HiddenCollection<T> = Collection<T> & Hidden;
/** An entry that a collection made, and the name of its kind. */
interface MadeEntry {
  readonly target: object;
  readonly kind: string | undefined;
}

/** Names the kind of an entry in its row, beside its fields: no field can have this name. */
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
/** What most fields are: rooms have very many of them. */
const SYNCED_FIELD: Field = { kind: "value", ...DEFAULTS };

/** Marks something as a field. @throws Error if it is one already */
export function mark<S>(target: S, field: Partial<Field> & { kind: FieldKind }): S {
  return markAs(target, { ...DEFAULTS, ...field });
}

/** How many fields were ever made in this isolate, but for those of entries. A room that sees it grow looks for assigned ones. */
export let fieldsMade = 0;

function markAs<S>(target: S, field: Field): S {
  fieldsMade++;
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
 * @param options `persist` (default true), `visibleTo` (default `"all"`), `transform`, `as`
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
    codec: options?.as,
  };
  if (field.codec && (field.transform || isComputed(target)))
    throw new Error("as is for a value that is set: a computed signal has none, and transform sends another one");
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

/** Makes an entry of the kind of a stored one, or else of the first. @throws Error if there is no such kind */
export function makeEntry(factories: Factories, key: string, stored?: Plain): MadeEntry {
  const kind = kindOfStored(factories, stored);
  const factory = typeof factories === "function" ? factories : factories.get(kind as string);
  if (!factory) throw new Error(`There is no variant ${JSON.stringify(kind)} here`);
  return { target: makeBy(factory, key), kind };
}

/** The name of the kind of a stored entry; of the first, if none is stored. Without variants there are no names. */
export function kindOfStored(factories: Factories, stored: Plain | undefined): string | undefined {
  if (typeof factories === "function") return undefined;
  return (stored?.[KIND_KEY] ?? factories.keys().next().value) as string;
}

/** What is stored of an entry elsewhere; without its kind, if that is not known here. */
export function ofKnownKind(factories: Factories, stored: Plain): Plain {
  const isKnown = typeof factories !== "function" && factories.has(kindOfStored(factories, stored) as string);
  return isKnown ? stored : { ...stored, [KIND_KEY]: undefined };
}

/** Makes an entry, whether its factory is a class or a function. */
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
  // Arrow functions and methods have no prototype; `new` on a plain function that returns an object gives that object.
  return (factory as { prototype?: unknown }).prototype === undefined
    ? (factory as (key: string) => object)(key)
    : new (factory as unknown as new (key: string) => object)(key);
}

/** Whether a factory is a class. Only of a class the prototype cannot be replaced. */
export function isClass(factory: object): boolean {
  return Object.getOwnPropertyDescriptor(factory, "prototype")?.writable === false;
}
