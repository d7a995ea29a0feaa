import type { AnyRoom } from "../define/room.ts";
import type { Items } from "../state/each-item.ts";
import type { Reference } from "../state/reference.ts";
import type { Hidden, Sent, Stored, Synced, Users } from "../state/fields.ts";
import type { Given } from "../define/room-types.ts";
import type { SchemaInput, StandardSchema } from "../define/standard-schema.ts";

type TypesOf<R extends AnyRoom> = NonNullable<R["types"]>;
type InputsOf<R extends AnyRoom> = TypesOf<R>["inputs"];
type ResultsOf<R extends AnyRoom> = TypesOf<R>["results"];

/** The events of a room that declares some, by name, with what is sent; any other room may send anything. */
export type RoomEvents<R extends AnyRoom> = unknown extends TypesOf<R>["events"]
  ? Readonly<Record<string, unknown>>
  : SentEvents<TypesOf<R>["events"], EntriesOf<TypesOf<R>["state"]>>;
type SentEvents<V, E> = { readonly [K in keyof V & string]: JsonOf<Given<V[K]>, E> };

/** The names of a room's actions. */
export type ActionName<R extends AnyRoom> = keyof InputsOf<R> & string;

/** What an action takes: nothing more where it has no schema that says so. */
export type ActionArguments<R extends AnyRoom, K extends ActionName<R>> = InputsOf<R>[K] extends StandardSchema
  ? Argument<SchemaInput<InputsOf<R>[K]>>
  : [value?: unknown];
type Argument<Input> = undefined extends Input ? [value?: Input] : [value: Input];

/** What an action answers, as JSON brings it. */
export type ActionResult<R extends AnyRoom, K extends ActionName<R>> = K extends keyof ResultsOf<R>
  ? JsonOf<ResultsOf<R>[K], EntriesOf<TypesOf<R>["state"]>>
  : unknown;

/** What JSON cannot hold: the room refuses to send it. */
type WithoutJson =
  | bigint
  | symbol
  | RegExp
  | ArrayBuffer
  | ArrayBufferView
  | Promise<unknown>
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>;

/**
 * A value as JSON brings it, which is what an action answers, and what a request answers as JSON: nothing is undefined, a
 * `Date` is text, and so is what `toJSON` makes of an object. Signals are values, and references keys. Of an entry there
 * are only the fields that every client sees, and none of the hidden fields in another object.
 *
 * @example
 * import type { AsJson } from "durable-rooms/client";
 * interface Status { since: Date }
 * const status = (await (await fetch("/parties/main/game-1/status")).json()) as AsJson<Status>;
 * console.log(status.since.slice(0, 10));
 */
export type AsJson<T> = JsonOf<T, unknown>;

/** The same. E: of objects with fields, those that are entries. */
type JsonOf<T, E> = T extends WithoutJson
  ? never
  : T extends Reference<object>
    ? string | null
    : T extends AnySignal<infer V>
      ? JsonOf<V, E>
      : T extends AnyFunction
        ? undefined
        : T extends { toJSON(): infer J }
          ? JsonOf<J, E>
          : T extends readonly unknown[]
            ? { [K in keyof T]: JsonOf<T[K], E> }
            : T extends object
              ? string extends keyof T
                ? { [K in keyof T]: JsonOf<T[K], E> }
                : { [K in keyof T as JsonKey<T, K, E>]: JsonOf<T[K], E> }
              : T extends void
                ? undefined
                : T;

/** The properties of an object that are sent: of an entry only its fields, and the objects that hold some. */
type JsonKey<T, K extends keyof T, E> = K extends symbol
  ? never
  : T[K] extends Hidden | Stored
    ? never
    : T[K] extends Synced
      ? K
      : IsEntry<T, E> extends true
        ? IsPart<T[K], T> extends true
          ? K
          : never
        : T[K] extends AnySignal<unknown>
          ? K
          : T[K] extends AnyFunction
            ? never
            : K;
/** Whether an object with fields is part of the one that it is in, rather than what that refers to. */
type IsPart<F, A> = [F] extends [A] ? false : HoldsFields<F>;
type AnyFunction = (...args: never[]) => unknown;
type AnySignal<V> = (() => V) & { readonly observable: unknown };
/** Where it is not known what entries there are, an object is taken for one that has fields itself. */
type IsEntry<T, E> = unknown extends E ? HoldsFields<T, [1]> : T extends E ? HoldsFields<T> : false;

/** The entries of all collections of a state, also of those in entries. */
type EntriesOf<S, Seen = never> = { [K in keyof S]: EntriesIn<S[K], Seen> }[keyof S];
type EntriesIn<F, Seen> = F extends Seen
  ? never
  : F extends Synced & (() => Readonly<Record<string, infer U>>)
    ? U extends Seen
      ? never
      : HoldsFields<U> extends true
        ? U | EntriesOf<U, Seen | U>
        : never
    : F extends AnyFunction
      ? never
      : HoldsFields<F> extends true
        ? EntriesOf<F, Seen | F>
        : never;

/** Whether there are fields in an object, at most so many levels deep. */
type HoldsFields<T, Levels extends readonly unknown[] = [1, 2, 3, 4]> = T extends AnyFunction | readonly unknown[]
  ? false
  : T extends object
    ? Levels extends readonly [unknown, ...infer Rest]
      ? true extends { [K in keyof T]: T[K] extends Synced | Stored ? true : HoldsFields<T[K], Rest> }[keyof T]
        ? true
        : false
      : false
    : false;

/**
 * The state of a room as its clients see it. What only some of them see is optional: a field with `visibleTo`, a
 * reference, and an object that holds nothing else.
 */
export type ClientState<R extends AnyRoom> = StateView<TypesOf<R>["state"]>;

/** The fields of an object that are shared, as plain readonly values. */
type StateView<S> = S extends unknown
  ? Flat<
      { readonly [K in keyof S as ShownTo<S[K], S> extends "all" ? K : never]: FieldView<S[K]> } & {
        readonly [K in keyof S as ShownTo<S[K], S> extends "some" ? K : never]?: FieldView<S[K]>;
      }
    >
  : never;
type Flat<T> = { [K in keyof T]: T[K] };

/** Who sees a property. A: the objects that it is in, which it may refer to. */
type ShownTo<F, A> = [F] extends [Hidden | Reference<object>]
  ? "some"
  : [F] extends [Synced]
    ? "all"
    : IsPart<F, A> extends true
      ? ShownIn<F, A | F>
      : "none";
type ShownIn<F, A> = { [K in keyof F]: ShownTo<F[K], A> }[keyof F] extends infer Shown
  ? "all" extends Shown
    ? "all"
    : "some" extends Shown
      ? "some"
      : "none"
  : never;

type FieldView<F> =
  F extends Reference<object>
    ? string | null
    : F extends Users<infer U>
      ? Readonly<Record<string, StateView<U>>>
      : F extends Sent<infer V> & (() => infer W)
        ? SentView<V, W>
        : F extends () => infer V
          ? ValueView<V>
          : F extends Synced
            ? SyncedView<F>
            : StateView<F>;
/** What is sent in place of a value W. */
type SentView<V, W> =
  V extends Items<infer R>
    ? W extends readonly unknown[]
      ? readonly ValueView<R>[]
      : Readonly<Record<string, ValueView<R>>>
    : ValueView<V>;
/** What `sync` made of an object of signals. */
type SyncedView<F> = F extends Hidden ? Partial<SignalsView<F>> : SignalsView<F>;
type SignalsView<F> = {
  readonly [K in keyof F as F[K] extends () => unknown ? K : never]: F extends Sent<infer V>
    ? SentView<V, unknown>
    : F[K] extends () => infer V
      ? ValueView<V>
      : never;
};

/** A plain value; the entries of a collection are objects of fields. */
type ValueView<V> = V extends readonly (infer I)[]
  ? readonly ValueView<I>[]
  : V extends object
    ? HoldsFields<V> extends true
      ? StateView<V>
      : { readonly [K in keyof V]: ValueView<V[K]> }
    : V;
