import type { Reference } from "../state/reference.ts";
import type { Hidden, Stored, Synced } from "../state/fields.ts";
import type { SchemaInput, StandardSchema } from "./standard-schema.ts";

/** What is known of a room's types, for those who call it. */
export interface TypedRoom<S = unknown, A = unknown, O = unknown, E = unknown, J = unknown, F = unknown, I = unknown> {
  readonly path: string;
  /** Only a type: never set at run time. */
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

/** The names of the actions that other rooms call. */
export type NameOfRoomAction<R extends TypedRoom> = {
  [K in keyof TypesOf<R>["callers"]]: TypesOf<R>["callers"][K] extends "rooms" ? K : never;
}[keyof TypesOf<R>["callers"]] &
  string;

/** What an action takes: nothing more where it has no schema that says so. */
export type ActionArgumentsOf<R extends TypedRoom, K extends PropertyKey> = K extends keyof TypesOf<R>["inputs"]
  ? TypesOf<R>["inputs"][K] extends StandardSchema
    ? Argument<SchemaInput<TypesOf<R>["inputs"][K]>>
    : [value?: unknown]
  : [value?: unknown];
type Argument<Input> = undefined extends Input ? [value?: Input] : [value: Input];

/** What an action answers, as JSON brings it. */
export type ActionResultOf<R extends TypedRoom, K extends PropertyKey> = K extends keyof TypesOf<R>["results"]
  ? JsonOf<TypesOf<R>["results"][K], EntriesOf<TypesOf<R>["state"]>>
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
export type IsPart<F, A> = [F] extends [A] ? false : HoldsFields<F>;
type AnyFunction = (...args: never[]) => unknown;
type AnySignal<V> = (() => V) & { readonly observable: unknown };
/** Where it is not known what entries there are, an object is taken for one that has fields itself. */
type IsEntry<T, E> = unknown extends E ? HoldsFields<T, [1]> : T extends E ? HoldsFields<T> : false;

/** The entries of all collections of a state, also of those in entries. */
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

/** Whether there are fields in an object, at most so many levels deep. */
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
