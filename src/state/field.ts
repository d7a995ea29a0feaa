import type { WritableSignal } from "@signe/reactive";
import type { Codec } from "../protocol/binary/codecs.ts";
import type { Viewer } from "./viewer.ts";

export type { Viewer } from "./viewer.ts";

/**
 * Who sees a field: everyone, only the user whose entry it is in, or every viewer for whom a function
 * says yes. The function is asked again when a signal changed that it read, or at any change if it read none; `owner` is
 * the publicId of the user whose entry holds the field, if it is in one.
 */
export type Visibility = "all" | Condition | KeyedVisibility;

/** Whether a viewer may see something. */
export type Condition = "owner" | ((viewer: Viewer, owner: string | undefined) => boolean);

/** Says by keys who sees what: see `byKey` and `near`. */
export interface KeyedVisibility {
  /** The rules of the index. What matters elsewhere: the fields of an entry that its place is made of. @internal */
  readonly rules: { readonly fields: readonly string[] | undefined };
  /** The classes of the index by keys. A Worker without such visibility does not have them. @internal */
  readonly Interest: unknown;
  /** @internal */
  readonly Crowd: unknown;
  /** The same as a condition, which is asked for each viewer. @internal */
  condition(entry: object | undefined, owner: string | undefined): (viewer: Viewer) => boolean;
}

/** Makes one entry of a collection: a class without constructor arguments, or a function of the key. */
export type Factory<T> = (new () => T) | ((key: string) => T);
/** Makes entries of several kinds, each by its own factory. The names are stored with the entries. */
export type Variants = Readonly<Record<string, Factory<object>>>;

/** What a signal was marked as. */
export type FieldKind = "value" | "computed" | "collection" | "users" | "connected" | "reference";

/** What a field holds: values of a kind, which are rounded to it when they are set. */
export interface FieldCodec {
  /** How its values are numbers. Undefined where clients have to know nothing to read them. @internal */
  readonly wire: Codec | undefined;
  /** @returns the nearest value of the kind; undefined if there is none @internal */
  readonly round: (value: unknown) => unknown;
  /** What it takes, for messages. @internal */
  readonly takes: string;
}

/** What the runtime knows of a marked signal. */
export interface Field {
  readonly kind: FieldKind;
  readonly synced: boolean;
  readonly persisted: boolean;
  readonly visibleTo: Visibility;
  readonly transform: ((value: unknown) => unknown) | undefined;
  /** How its values are rounded, and written in few bytes. */
  readonly codec: FieldCodec | undefined;
  /** What makes the entries of a collection. */
  readonly factory: Factories | undefined;
  /** The class of its node. A Worker without collections does not have it. */
  readonly Entries: unknown;
  /** What a reference refers to. */
  readonly target: ReferenceTarget | undefined;
  /** Which fields of the entries of a collection are remembered, and for how long, for `room.rewind`. */
  readonly history?: RememberedFields | undefined;
}

/** What is remembered of a collection, and the class that does so. A Worker without collections does not have that. */
export interface RememberedFields extends HistoryOptions {
  readonly History: unknown;
}

/** What is remembered of the entries of a collection, in memory only. F: the names of fields. */
export interface HistoryOptions<F extends string = string> {
  /** These fields of each entry. */
  readonly fields: readonly F[];
  /** How long, in ms: up to 2000. */
  readonly ms: number;
}

/** What a reference refers to: the entry under a key, if there is one. */
export interface ReferenceTarget {
  readonly key: WritableSignal<string | null>;
  readonly entries: () => Readonly<Record<string, object>>;
  /** The field itself, as a property has it. */
  readonly read: object;
  /** Where the field is, for messages. */
  path: () => string;
  /** The class of its node. A Worker without references does not have it. */
  readonly Leaf: unknown;
}

/** The same, of a collection. */
export type CollectionField = Field & { readonly factory: Factories };
/** What makes the entries of a collection: one factory, or those of its variants by their names. */
export type Factories = Factory<object> | ReadonlyMap<string, Factory<object>>;
