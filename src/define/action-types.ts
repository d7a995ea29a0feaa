import type { Reference } from "../state/reference.ts";
import type { Hidden, Stored, Synced } from "../state/fields.ts";
import type { SchemaInput, StandardSchema } from "./standard-schema.ts";

/** The types of a room that its clients and other rooms use. */
export interface TypedRoom<S = unknown, A = unknown, O = unknown, E = unknown, J = unknown, F = unknown, I = unknown> {
  readonly path: string;
  /** Only for TypeScript: never set at run time. */
  readonly types?: {
    readonly state: S;
    readonly inputs: A;
    readonly results: O;
    readonly events: E;
    readonly join: J;
    readonly callers: F;
    readonly numbered: I;
  };
}
type TypesOf<R extends TypedRoom> = NonNullable<R["types"]>;

/** The names of the actions that other rooms can call. */
export type NameOfRoomAction<R extends TypedRoom> = {
  [K in keyof TypesOf<R>["callers"]]: TypesOf<R>["callers"][K] extends "rooms" ? K : never;
}[keyof TypesOf<R>["callers"]] &
  string;

/** The arguments of an action: its value, or none if its schema allows undefined. */
export type ActionArgumentsOf<R extends TypedRoom, K extends PropertyKey> = K extends keyof TypesOf<R>["inputs"]
  ? TypesOf<R>["inputs"][K] extends StandardSchema
    ? Argument<SchemaInput<TypesOf<R>["inputs"][K]>>
    : [value?: unknown]
  : [value?: unknown];
type Argument<Input> = undefined extends Input ? [value?: Input] : [value: Input];

/** The answer of an action, as it arrives as JSON. */
export type ActionResultOf<R extends TypedRoom, K extends PropertyKey> = K extends keyof TypesOf<R>["results"]
  ? JsonOf<TypesOf<R>["results"][K], EntriesOf<TypesOf<R>["state"]>>
  : unknown;

/** Values that JSON cannot represent. The room refuses to send them. */
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
 * The type of a value after it was sent as JSON: the answer of an action or of a request. A `Date` is text, and an
 * object with `toJSON` is the result of it. A signal is its value, and a reference is a key. An entry has only the
 * fields that all clients see; hidden fields of other objects are left out.
 *
 * @example
 * import type { AsJson } from "durable-rooms/client";
 * interface Status { since: Date }
 * const status = (await (await fetch("/parties/main/game-1/status")).json()) as AsJson<Status>;
 * console.log(status.since.slice(0, 10));
 */
export type AsJson<T> = JsonOf<T, unknown>;

/** The same. E: which of the objects with fields are entries. */
export type JsonOf<T, E> = T extends WithoutJson
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

/** The properties of an object that are sent. Of an entry these are its fields, and objects that have fields. */
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
/** Whether an object with fields is part of the object that it is in, and not a reference to an outer one. */
export type IsPart<F, A> = [F] extends [A] ? false : HoldsFields<F>;
type AnyFunction = (...args: never[]) => unknown;
type AnySignal<V> = (() => V) & { readonly observable: unknown };
/** If the entries of the state are not known, an object is treated as an entry if it has fields itself. */
type IsEntry<T, E> = unknown extends E ? HoldsFields<T, [1]> : T extends E ? HoldsFields<T> : false;

/** The entries of all collections of a state, at any depth. */
export type EntriesOf<S, Seen = never> = { [K in keyof S]: EntriesIn<S[K], Seen> }[keyof S];
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

/** Whether an object contains fields, up to this many levels deep. */
export type HoldsFields<T, Levels extends readonly unknown[] = [1, 2, 3, 4]> = T extends
  | AnyFunction
  | readonly unknown[]
  ? false
  : T extends object
    ? Levels extends readonly [unknown, ...infer Rest]
      ? true extends { [K in keyof T]: T[K] extends Synced | Stored ? true : HoldsFields<T[K], Rest> }[keyof T]
        ? true
        : false
      : false
    : false;
