import type { AnyRoom } from "../define/room.ts";
import type { Reference } from "../state/reference.ts";
import type { Synced, Users } from "../state/fields.ts";
import type { SchemaInput, StandardSchema } from "../define/standard-schema.ts";

type TypesOf<R extends AnyRoom> = NonNullable<R["types"]>;
type InputsOf<R extends AnyRoom> = TypesOf<R>["inputs"];
type ResultsOf<R extends AnyRoom> = TypesOf<R>["results"];

/** The names of a room's actions. */
export type ActionName<R extends AnyRoom> = keyof InputsOf<R> & string;

/** What an action takes: nothing more where it has no schema that says so. */
export type ActionArguments<R extends AnyRoom, K extends ActionName<R>> = InputsOf<R>[K] extends StandardSchema
  ? Argument<SchemaInput<InputsOf<R>[K]>>
  : [value?: unknown];
type Argument<Input> = undefined extends Input ? [value?: Input] : [value: Input];

/** What an action answers, as JSON brings it. */
export type ActionResult<R extends AnyRoom, K extends ActionName<R>> = K extends keyof ResultsOf<R>
  ? AsJson<ResultsOf<R>[K]>
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
 * `Date` is text, and so is what `toJSON` makes of an object.
 *
 * @example
 * import type { AsJson } from "durable-rooms/client";
 * interface Status { since: Date }
 * const status = (await (await fetch("/parties/main/game-1/status")).json()) as AsJson<Status>;
 * console.log(status.since.slice(0, 10));
 */
export type AsJson<T> = T extends WithoutJson
  ? never
  : T extends { toJSON(): infer J }
    ? AsJson<J>
    : T extends Reference<object>
      ? string | null
      : T extends () => infer V
        ? AsJson<V>
        : T extends readonly (infer I)[]
          ? AsJson<I>[]
          : T extends object
            ? { [K in keyof T]: AsJson<T[K]> }
            : T extends void
              ? undefined
              : T;

/** The state of a room as its clients see it. */
export type ClientState<R extends AnyRoom> = StateView<TypesOf<R>["state"]>;

/** The fields of an object that are shared, as plain readonly values. */
type StateView<S> = { readonly [K in keyof S as SharedKey<S, K>]: FieldView<S[K]> };
type SharedKey<S, K extends keyof S> = S[K] extends Synced ? K : HoldsShared<S[K]> extends true ? K : never;
type HoldsShared<T> = T extends (...args: never[]) => unknown
  ? false
  : T extends object
    ? true extends { [K in keyof T]: T[K] extends Synced ? true : false }[keyof T]
      ? true
      : false
    : false;

type FieldView<F> =
  F extends Reference<object>
    ? string | null | undefined
    : F extends Users<infer U>
      ? Readonly<Record<string, StateView<U>>>
      : F extends () => infer V
        ? ValueView<V>
        : F extends Synced
          ? {
              readonly [K in keyof F as F[K] extends () => unknown ? K : never]: F[K] extends () => infer V
                ? ValueView<V>
                : never;
            }
          : StateView<F>;

/** A plain value; the entries of a collection are objects of fields. */
type ValueView<V> = V extends readonly (infer I)[]
  ? readonly ValueView<I>[]
  : V extends object
    ? HoldsShared<V> extends true
      ? StateView<V>
      : { readonly [K in keyof V]: ValueView<V[K]> }
    : V;
