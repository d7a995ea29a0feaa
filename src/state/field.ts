import type { WritableSignal } from "@signe/reactive";
import type { Codec } from "../protocol/binary/codecs.ts";
import type { Viewer } from "./viewer.ts";

export type { Viewer } from "./viewer.ts";

/**
 * Who sees a field:
 * - `"all"`: every client
 * - `"owner"`: only the user whose entry the field is in
 * - a function: each viewer for whom it returns true. It runs again when a signal that it read changes, or after every
 *   change if it read none. `owner` is the publicId of the user whose entry the field is in, or undefined
 * - {@link byKey}, {@link sameKey} or {@link near}: the viewers that share a key with an entry, or are close to it
 */
export type Visibility = "all" | Condition | KeyedVisibility;

/** Whether a viewer may see something. */
export type Condition = "owner" | ((viewer: Viewer, owner: string | undefined) => boolean);

/** Visibility by keys or by distance: see {@link byKey} and {@link near}. */
export interface KeyedVisibility {
  /** The rules of the index. Other code needs only the fields that an entry's place is computed from. @internal */
  readonly rules: { readonly fields: readonly string[] | undefined };
  /** The class of the index by keys. A Worker that does not use such visibility does not contain it. @internal */
  readonly Interest: unknown;
  /** @internal */
  readonly Crowd: unknown;
  /** The same as a condition that runs for each viewer. @internal */
  condition(entry: object | undefined, owner: string | undefined): (viewer: Viewer) => boolean;
  /** The code that it was made of: entries with the same code have the same fields. @internal */
  toString(): string;
}

/** Makes an entry of a collection: a class without constructor arguments, or a function of the key. */
export type Factory<T> = (new () => T) | ((key: string) => T);
/** Factories of several kinds of entries, by name. The names are stored with the entries. */
export type Variants = Readonly<Record<string, Factory<object>>>;

/**
 * The purpose of reading a value. `"sync"` and `"store"` are for fields of a state: they include the fields of an entry
 * that every client may see, or those that are stored. `"answer"` is for values that handlers return or send. It works
 * as `"sync"`, but a Date becomes its ISO text, and `toJSON` is called.
 */
export type Purpose = "sync" | "store" | "answer";

/** The kind of a field. */
export type FieldKind = "value" | "computed" | "collection" | "users" | "connected" | "reference";

/** The values that a field holds. A value is rounded when it is set. */
export interface FieldCodec {
  /** How values are encoded as numbers. Undefined if clients do not need to know it. @internal */
  readonly wire: Codec | undefined;
  /** Returns the nearest valid value, or undefined if there is none. @internal */
  readonly round: (value: unknown) => unknown;
  /** The valid values, for error messages. @internal */
  readonly takes: string;
}

/** A marked signal, as the runtime sees it. */
export interface Field {
  readonly kind: FieldKind;
  readonly synced: boolean;
  readonly persisted: boolean;
  readonly visibleTo: Visibility;
  readonly transform: ((value: unknown) => unknown) | undefined;
  /** How values are rounded, and encoded in few bytes. */
  readonly codec: FieldCodec | undefined;
  /** Makes the entries of a collection. */
  readonly factory: Factories | undefined;
  /** The class of its node. A Worker without collections does not contain it. */
  readonly Entries: unknown;
  /** The target of a reference. */
  readonly target: ReferenceTarget | undefined;
  /** The parts of a room that it needs only if its state has users. */
  readonly roomParts?: object | undefined;
  /** Which fields of a collection's entries are remembered for `room.rewind`, and for how long. */
  readonly history?: RememberedFields | undefined;
}

/**
 * The history of a collection, with the class that records it. A Worker without collections does not contain that
 * class.
 */
export interface RememberedFields extends HistoryOptions {
  readonly History: unknown;
}

/**
 * The option `history` of {@link collection} and {@link users}: what `room.rewind` can read. It is kept in memory only.
 * F: the names of fields.
 *
 * @example
 * import { users } from "durable-rooms";
 * class Player { x = sync(signal(0)) }
 * const players = users(Player, { history: { fields: ["x"], ms: 1000 } });
 */
export interface HistoryOptions<F extends string = string> {
  /** The fields of each entry to remember. */
  readonly fields: readonly F[];
  /** How long they are remembered, in ms: more than 0, up to 2000. */
  readonly ms: number;
}

/** The target of a reference: the entry under a key, if there is one. */
export interface ReferenceTarget {
  readonly key: WritableSignal<string | null>;
  readonly entries: () => Readonly<Record<string, object>>;
  /** The field itself, which is the value of the property. */
  readonly read: object;
  /** The key for a purpose: clients get only that of an entry that every client may see. */
  readonly keyFor: (purpose: Purpose) => string | null;
  /** The path of the field, for error messages. */
  path: () => string;
  /** The class of its node. A Worker without references does not contain it. */
  readonly Leaf: unknown;
}

/** The field of a collection. */
export type CollectionField = Field & { readonly factory: Factories };
/** The factories of a collection: one factory, or one for each variant by name. */
export type Factories = Factory<object> | ReadonlyMap<string, Factory<object>>;
