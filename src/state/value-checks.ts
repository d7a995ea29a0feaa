import { RoomError } from "../protocol/errors.ts";
import { DELETE } from "../protocol/packets.ts";
import { HOSTILE_KEYS, isHostileKey, isLiteral, isPlain, MAX_DEPTH, promiseOf } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import { NO_INSTANCE, notJson } from "./json.ts";

/**
 * The values that a field may have, by the value that it was declared with. Clients cannot handle every change of type.
 */
export type Shape = "array" | "object" | "any";

/** A field whose values are checked: its path, and what it allows. */
export interface CheckedField {
  /** The path to the field, for messages. */
  path(): string;
  readonly synced: boolean;
  readonly shape: Shape;
}

/**
 * Keys that break every client of `@signe/sync` 3.1.1, found by the property test of hostile values. `load` follows
 * inherited properties, so a key such as `hasOwnProperty` writes into a function that the whole page shares. It treats
 * an object with `observable` or `_subject` as a signal, and one with `options.classType` as a collection. It reads
 * `caller` and `arguments` of a signal, which is a function in strict mode. It compares arrays to a text, which calls
 * `toString` of their items. If it throws, the rest of the packet is lost.
 */
export const HARMFUL_KEYS: ReadonlySet<string> = new Set(
  Object.getOwnPropertyNames(Object.prototype).concat("observable", "_subject", "classType", "caller", "arguments"),
);

/**
 * A longer key of an entry would not fit into a storage key with its path. Clients read other keys of values as paths.
 */
export const MAX_KEY = 512;

/** Longer paths are cut in messages. */
const MAX_SHOWN = 200;

/** How far beyond its end an array may be written. Holes are sent and stored as nulls. */
const MAX_GAP = 1024;

export function shapeOf(value: unknown): Shape {
  if (Array.isArray(value)) return "array";
  return typeof value === "object" && value !== null ? "object" : "any";
}

/**
 * Checks a new value of a field.
 * @throws RoomError naming the path, if clients or storage cannot hold it
 */
export function checkField(field: CheckedField, value: unknown): void {
  if (field.shape !== "any" && shapeOf(value) !== field.shape) {
    const what = field.shape === "array" ? "an array" : "an object";
    throw refused(
      field,
      [],
      "internal",
      `was declared as ${what} and has to stay one; if it may be null, start with null`,
    );
  }
  checkValue(field, [], value);
}

/** Checks a value that is put inside of a field. `trail` is the path from the field to it. */
export function checkValue(field: CheckedField, trail: readonly string[], value: unknown): void {
  switch (typeof value) {
    case "string":
      if (value === DELETE && field.synced) {
        throw refused(
          field,
          trail,
          "invalid_input",
          `the text "${DELETE}" is reserved: it would delete the field at clients`,
        );
      }
      return;
    case "object":
      if (value !== null) checkObject(field, trail, value);
      return;
    case "function":
    case "bigint":
    case "symbol":
      throw refused(field, trail, "internal", notJson(value) ?? NO_INSTANCE);
    default:
  }
}

function checkObject(field: CheckedField, trail: readonly string[], value: object): void {
  if (trail.length >= MAX_DEPTH)
    throw refused(field, trail.slice(0, 8), "internal", "is nested too deeply, or circular");
  if (Array.isArray(value)) {
    value.forEach((item, index) => checkValue(field, [...trail, String(index)], item));
    return;
  }
  if (!isLiteral(value) || promiseOf(value)) throw refused(field, trail, "internal", notJson(value) ?? NO_INSTANCE);
  for (const key of Object.keys(value)) {
    checkKey(field, trail, key);
    checkValue(field, trailTo(field, trail, key), (value as Record<string, unknown>)[key]);
  }
}

/** The path to a property. In a value that is sent, a key with dots is a path, as clients read it. */
export function trailTo(field: CheckedField, trail: readonly string[], key: string): string[] {
  return field.synced && key.includes(".") ? [...trail, ...key.split(".")] : [...trail, key];
}

/** Checks the name of a new property. */
export function checkKey(field: CheckedField, trail: readonly string[], key: string): void {
  if (isHostileKey(key)) throw refused(field, [...trail, key], "invalid_input", "this key is reserved");
  if (!field.synced) return;
  if (key.length > MAX_KEY) throw tooLong(field, trail, key);
  if (key.includes(".")) checkPath(field, trail, key.split("."));
  if (HARMFUL_KEYS.has(key)) {
    throw refused(
      field,
      [...trail, key],
      "invalid_input",
      "this key is reserved, since it breaks clients of @signe/sync",
    );
  }
}

/** Clients read a key with dots as a path, each part of which is a key. */
function checkPath(field: CheckedField, trail: readonly string[], names: readonly string[]): void {
  if (trail.length + names.length > MAX_DEPTH) {
    const why = `a key with dots is a path, and a value may have up to ${MAX_DEPTH} levels`;
    throw refused(field, [...trail, ...names], "invalid_input", why);
  }
  for (const name of names) checkKey(field, trail, name);
}

/** The error for a key that is too long. */
export function tooLong(field: CheckedField, trail: readonly string[], key: string): RoomError {
  const start = `${key.slice(0, 32)}…`;
  return refused(field, [...trail, start], "invalid_input", `a key may have up to ${MAX_KEY} characters`);
}

/** Checks an assignment to an array's index or length, so that a typo cannot make a billion nulls. */
export function checkIndex(
  field: CheckedField,
  trail: readonly string[],
  array: readonly unknown[],
  key: string,
  value: unknown,
): void {
  const end = key === "length" ? Number(value) : Number(key) + 1;
  if (end > array.length + MAX_GAP)
    throw refused(field, [...trail, key], "internal", "is too far beyond the array's end");
}

export function refused(
  field: CheckedField,
  trail: readonly string[],
  code: "invalid_input" | "internal",
  why: string,
): RoomError {
  const path = [field.path(), ...trail].join(".");
  return new RoomError(code, `${path.length > MAX_SHOWN ? `${path.slice(0, MAX_SHOWN)}…` : path}: ${why}`);
}

/**
 * Whether an entry can have this key. Storage does not distinguish unpaired surrogates. Clients read a key with dots as
 * a path: it would reach into another entry, and `load` throws if the path leads through a value.
 */
export function isEntryKey(key: string): boolean {
  return (
    key.length <= MAX_KEY &&
    !key.includes(".") &&
    key.isWellFormed() &&
    !HOSTILE_KEYS.has(key) &&
    !HARMFUL_KEYS.has(key)
  );
}

/** Why a stored entry with a key that {@link isEntryKey} refuses cannot be loaded. */
export const NO_ENTRY_KEY = "An entry cannot have this key";

/** Why a value that is not an object cannot be loaded as an entry or an object of fields. */
export const NO_OBJECT = "It is not an object";

/** @throws Error if the stored value of an entry or an object of fields is not an object */
export function checkStored(stored: unknown): asserts stored is Plain {
  if (!isPlain(stored)) throw new Error(NO_OBJECT);
}
