import type { HoldsFields, IsPart } from "./action-types.ts";
import type { Items } from "../state/each-item.ts";
import type { Hidden, Sent, Synced, Users } from "../state/fields.ts";
import type { Reference } from "../state/reference.ts";

/** The shared fields of an object as plain readonly values. */
export type StateView<S> = S extends unknown
  ? Flat<
      { readonly [K in keyof S as ShownTo<S[K], S> extends "all" ? K : never]: FieldView<S[K]> } & {
        readonly [K in keyof S as ShownTo<S[K], S> extends "some" ? K : never]?: FieldView<S[K]>;
      }
    >
  : never;
type Flat<T> = { [K in keyof T]: T[K] };

/** Who sees a property. A: the objects around it, which it may refer to. */
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
