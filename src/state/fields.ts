import { isComputed, isSignal, signal } from "@signe/reactive";
import type { Signal, WritableObjectSignal, WritableSignal } from "@signe/reactive";
import { HOSTILE_KEYS, isPlain } from "../protocol/values.ts";
import { liveComputed } from "./signals/adapter.ts";
import { HARMFUL_KEYS } from "./value-checks.ts";

declare const USER: unique symbol;
declare const SYNCED: unique symbol;

/** What clients see. Only a type: it tells a typed client which fields of a state there are. */
export interface Synced {
  readonly [SYNCED]: true;
}

/** Who is looking: one connected client, as a `visibleTo` predicate sees it. */
export interface Viewer {
  /** The id of the viewer's user. */
  readonly publicId: string;
  /** The verified JWT claims of the connection, or null. */
  readonly auth: Readonly<Record<string, unknown>> | null;
  /** The viewer's own entry in the `users` field; undefined where the room has none. */
  readonly user: unknown;
}

/**
 * Who sees a field: everyone, only the user whose entry it is in, or every viewer for whom a function
 * says yes. The function is asked again whenever something changed; `owner` is the publicId of the user
 * whose entry holds the field, if it is in one.
 */
export type Visibility = "all" | "owner" | ((viewer: Viewer, owner: string | undefined) => boolean);

/** What {@link sync} takes for a field. */
export interface FieldOptions<T = unknown> {
  /** Whether the value survives a restart of the room. Default true; a computed signal never does. */
  readonly persist?: boolean;
  /** Who sees it. Default `"all"`. */
  readonly visibleTo?: Visibility;
  /** What clients get instead of the value itself. The stored value stays as it is. */
  readonly transform?: (value: T) => unknown;
}

/** The signal of a `users` field: a plain record of the room's users, keyed by publicId. */
export type Users<U> = WritableObjectSignal<Record<string, U>> & { readonly [USER]: U } & Synced;
/** The signal of a `collection` field: a plain record of entries. */
export type Collection<T> = WritableObjectSignal<Record<string, T>> & Synced;
/** Makes one entry of a collection: a class without constructor arguments, or a function of the key. */
export type Factory<T> = (new () => T) | ((key: string) => T);

export type FieldKind = "value" | "computed" | "collection" | "users" | "connected";

/** What the runtime knows of a marked signal. */
export interface Field {
  readonly kind: FieldKind;
  readonly synced: boolean;
  readonly persisted: boolean;
  readonly visibleTo: Visibility;
  readonly transform: ((value: unknown) => unknown) | undefined;
  readonly factory: Factory<object> | undefined;
}

const FIELD = Symbol.for("durable-rooms.field");
const ID = Symbol.for("durable-rooms.id");
const ENTRY = Symbol.for("durable-rooms.entry");
/** Remembers which property holds the key, for an entry that comes back under another one. */
const ID_NAME = Symbol("id");

/** Names that fields cannot have: a packet uses `pId` itself, and clients cannot follow the others. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(["pId", ...HOSTILE_KEYS, ...HARMFUL_KEYS]);
const FIELD_NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u;

/** The field that a value was marked as, if it was. */
export function fieldOf(value: unknown): Field | undefined {
  return typeof value === "function" ? (value as { [FIELD]?: Field })[FIELD] : undefined;
}

/** Whether there are fields in an object, however deep. */
export function holdsFields(value: object): boolean {
  if (Array.isArray(value)) return false;
  return Object.values(value).some(
    (inner: unknown) =>
      fieldOf(inner) !== undefined || (typeof inner === "object" && inner !== null && holdsFields(inner)),
  );
}

/** Whether a property is the placeholder that {@link id} left for the entry's key. */
export function isId(value: unknown): boolean {
  return typeof value === "object" && value !== null && ID in value;
}

/** A property of an object in a state: a field, or without one an object that holds fields. */
export interface Member {
  readonly name: string;
  readonly value: object;
  readonly field: Field | undefined;
}

/**
 * Reads the properties of an object that becomes part of a state, and fills in its key where {@link id} marked it.
 * The object is remembered: only marked properties of it ever leave the server.
 *
 * @param names lead to the object
 * @throws Error if a field has a name that clients cannot follow
 */
export function takeMembers(target: object, key: string, names: () => readonly string[]): Member[] {
  if (!isEntry(target)) Object.defineProperty(target, ENTRY, { value: true });
  const entry = target as Record<string | typeof ID_NAME, unknown>;
  const members: Member[] = [];
  for (const [name, value] of Object.entries(target)) {
    if (isId(value)) Object.defineProperty(target, ID_NAME, { value: name });
    if (entry[ID_NAME] === name) {
      entry[name] = key;
      continue;
    }
    const field = fieldOf(value);
    if (!field && !(typeof value === "object" && value !== null && holdsFields(value))) continue;
    if (RESERVED_NAMES.has(name) || !FIELD_NAME.test(name)) {
      throw new Error(`"${[...names(), name].join(".")}" cannot be the name of a field`);
    }
    members.push({ name, value: value as object, field });
  }
  return members;
}

/** Whether an object is, or was, part of a state. */
export function isEntry(target: object): boolean {
  return ENTRY in target;
}

const DEFAULTS = {
  synced: true,
  persisted: true,
  visibleTo: "all",
  transform: undefined,
  factory: undefined,
} as const;
/** What most fields are: rooms have very many of them. */
const SYNCED_FIELD: Field = { kind: "value", ...DEFAULTS };

function mark<S>(target: S, field: Partial<Field> & { kind: FieldKind }): S {
  return markAs(target, { ...DEFAULTS, ...field });
}

function markAs<S>(target: S, field: Field): S {
  if (fieldOf(target)) {
    throw new Error("This signal is a field already: mark each signal once, with one of sync, persist, connected");
  }
  (target as { [FIELD]?: Field })[FIELD] = field;
  return target;
}

type ValueOf<S> = S extends () => infer T ? T : unknown;

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
export function sync<S extends object>(target: S, options?: FieldOptions<ValueOf<S>>): S & Synced {
  if (!options && isSignal(target) && !isComputed(target)) return markAs(target, SYNCED_FIELD) as S & Synced;
  const field = {
    persisted: options?.persist ?? true,
    visibleTo: options?.visibleTo ?? "all",
    transform: options?.transform as Field["transform"],
  };
  if (isComputed(target)) {
    return mark(liveComputed(target as never), { ...field, kind: "computed", persisted: false }) as unknown as S &
      Synced;
  }
  if (isSignal(target)) return mark(target, { ...field, kind: "value" }) as S & Synced;
  const inner = Object.entries(target).filter(([, value]) => isMarkable(value));
  if (inner.length === 0) {
    throw new Error("sync() takes a signal, a computed signal, or an object that holds some");
  }
  const record = target as Record<string, unknown>;
  for (const [key, value] of inner) if (!fieldOf(value)) record[key] = sync(value as object, options as FieldOptions);
  return target as S & Synced;
}

function isMarkable(value: unknown): boolean {
  if (isSignal(value)) return true;
  return isPlain(value) && Object.values(value).some(isMarkable);
}

/**
 * Marks a signal as stored with the room and never sent to a client.
 *
 * @example
 * import { persist } from "durable-rooms";
 * const state = () => ({ seed: persist(signal(1)) });
 */
export function persist<S extends Signal>(target: S): S {
  if (!isSignal(target) || isComputed(target)) throw new Error("persist() takes a writable signal");
  return mark(target, { kind: "value", synced: false });
}

/**
 * A record of entries that are shared, and stored, one by one. The key of an entry has up to 512 characters and no dot,
 * since clients take a key with dots for a path; adding one with another key throws a `RoomError` `invalid_input`.
 *
 * @param factory a class, or a function that makes an entry
 * @example
 * import { collection } from "durable-rooms";
 * const monster = () => ({ hp: sync(signal(10)) });
 * const state = { monsters: collection(monster) };
 * state.monsters()["m1"] = monster(); // adds, shares and stores
 * delete state.monsters()["m1"]; // removes all of it
 */
export function collection<T extends object>(
  factory: Factory<T>,
  options: Pick<FieldOptions, "persist" | "visibleTo"> = {},
): Collection<T> {
  return recordOf("collection", factory, options);
}

/**
 * The room's users: one entry for each, made when they first connect and removed when their session ends.
 * A room has at most one such field.
 *
 * @example
 * import { users } from "durable-rooms";
 * class Player { x = sync(signal(0)) }
 * const state = () => ({ players: users(Player) });
 */
export function users<U extends object>(
  factory: Factory<U>,
  options: Pick<FieldOptions, "persist" | "visibleTo"> = {},
): Users<U> {
  return recordOf("users", factory, options) as Users<U>;
}

function recordOf<T extends object>(
  kind: "collection" | "users",
  factory: Factory<T>,
  options: Pick<FieldOptions, "persist" | "visibleTo">,
): Collection<T> {
  if (typeof factory !== "function") throw new Error(`${kind}() takes a class or a function that makes an entry`);
  const record = signal<Record<string, T>>({});
  const { persist: persisted = true, visibleTo = "all" } = options;
  return mark(record, { kind, persisted, visibleTo, factory }) as Collection<T>;
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
 * A property that is filled with the entry's key, which for a user is the publicId. It is not sent: clients
 * know the key.
 *
 * @example
 * import { id } from "durable-rooms";
 * class Player { id = id() }
 */
export function id(): string {
  return { [ID]: true } as unknown as string;
}

/** Makes an entry of a collection, whether its factory is a class or a function. */
export function makeEntry(factory: Factory<object>, key: string): object {
  // Arrow functions and methods have no prototype; `new` on a plain function that returns an object gives that object.
  return (factory as { prototype?: unknown }).prototype === undefined
    ? (factory as (key: string) => object)(key)
    : new (factory as new (key: string) => object)(key);
}
