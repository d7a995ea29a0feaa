import { RoomError } from "../protocol/errors.ts";
import { MAX_DEPTH, isHostileKey } from "../protocol/values.ts";
import { DELETE } from "../protocol/packets.ts";
import { holdsFields } from "./fields.ts";

/** What a value may become, decided by what it was declared as: clients cannot follow every turn. */
export type Shape = "array" | "object" | "any";

/** Where a value lives, and what is allowed there. */
export interface Place {
  /** The names that lead to the field, for messages. */
  path(): string;
  readonly synced: boolean;
  readonly shape: Shape;
}

/**
 * Keys that harm every client of `@signe/sync` 3.1.1, found by the hostile property test. `load` walks into what
 * objects inherit, so a key such as `hasOwnProperty` writes into a function that the whole page shares; it takes
 * an object with `observable` or `_subject` for a signal, one with `options.classType` for a collection; it asks
 * a signal, which is a function in strict mode, for its `caller` and `arguments`; and it compares arrays to a
 * text, which asks their items for `toString`. Where it throws, the rest of the packet is lost.
 */
const HARMS_CLIENTS: ReadonlySet<string> = new Set(
  Object.getOwnPropertyNames(Object.prototype).concat("observable", "_subject", "classType", "caller", "arguments"),
);

export function harmsClients(key: string): boolean {
  return HARMS_CLIENTS.has(key);
}

/** Names that a packet or `load` uses itself. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(["pId"]);

/** Whether clients can follow a field of this name. */
export function isFieldName(name: string): boolean {
  if (harmsClients(name) || isHostileKey(name) || RESERVED_NAMES.has(name)) return false;
  return /^[\p{L}_][\p{L}\p{N}_]*$/u.test(name);
}

/** Longer keys would not fit a storage key with their path. */
const MAX_KEY = 512;

/** How far beyond its end an array may be written: holes are sent and stored as nulls. */
const MAX_GAP = 1024;

export function shapeOf(value: unknown): Shape {
  if (Array.isArray(value)) return "array";
  return typeof value === "object" && value !== null ? "object" : "any";
}

/**
 * Checks a whole new value of a field.
 * @throws RoomError naming the path, if clients or storage could not hold it
 */
export function checkField(place: Place, value: unknown): void {
  if (place.shape !== "any" && shapeOf(value) !== place.shape) {
    const what = place.shape === "array" ? "an array" : "an object";
    throw refused(
      place,
      [],
      "internal",
      `was declared as ${what} and has to stay one; declare it nullable from the start`,
    );
  }
  checkValue(place, [], value);
}

/** Checks a value that is put somewhere inside a field. `trail` leads to it from the field. */
export function checkValue(place: Place, trail: readonly string[], value: unknown): void {
  switch (typeof value) {
    case "string":
      if (value === DELETE && place.synced) {
        throw refused(
          place,
          trail,
          "invalid_input",
          `the text "${DELETE}" is reserved: it would delete the field at clients`,
        );
      }
      return;
    case "bigint":
      throw refused(place, trail, "internal", "a bigint has no JSON form; use a number or a string");
    case "object":
      if (value !== null) checkObject(place, trail, value);
      return;
    default:
  }
}

function checkObject(place: Place, trail: readonly string[], value: object): void {
  if (trail.length >= MAX_DEPTH)
    throw refused(place, trail.slice(0, 8), "internal", "is nested too deeply, or in a circle");
  if (value instanceof Map || value instanceof Set) {
    throw refused(place, trail, "internal", "a Map or Set has no JSON form; use a plain object or an array");
  }
  if (Array.isArray(value)) {
    value.forEach((item, index) => checkValue(place, [...trail, String(index)], item));
    return;
  }
  for (const key of Object.keys(value)) {
    checkKey(place, trail, key);
    checkValue(place, [...trail, key], (value as Record<string, unknown>)[key]);
  }
}

/** Checks the name of a property that is about to be made. */
export function checkKey(place: Place, trail: readonly string[], key: string): void {
  if (place.synced && key.includes(".")) {
    // Clients take it for a path, each part of which is a key.
    for (const part of key.split(".")) checkKey(place, trail, part);
  }
  if (isHostileKey(key)) throw refused(place, [...trail, key], "invalid_input", "this key is never stored or sent");
  if (place.synced && harmsClients(key)) {
    throw refused(
      place,
      [...trail, key],
      "invalid_input",
      "this key harms clients of @signe/sync, so it is never sent",
    );
  }
}

/** Checks an assignment to an array's index or length, so that no typo makes a billion nulls. */
export function checkIndex(
  place: Place,
  trail: readonly string[],
  array: readonly unknown[],
  key: string,
  value: unknown,
): void {
  const end = key === "length" ? Number(value) : Number(key) + 1;
  if (end > array.length + MAX_GAP)
    throw refused(place, [...trail, key], "internal", "is too far beyond the array's end");
}

export function refused(
  place: Place,
  trail: readonly string[],
  code: "invalid_input" | "internal",
  why: string,
): RoomError {
  return new RoomError(code, `${[place.path(), ...trail].join(".")}: ${why}`);
}

/** Whether an entry can have this key. In storage all halves of a character are the same. */
export function isEntryKey(key: string): boolean {
  return key.length <= MAX_KEY && key.isWellFormed();
}

/**
 * Checks what is to be an entry of a collection.
 * @throws RoomError naming the path
 */
export function checkEntry(place: Place, key: string, target: unknown): void {
  if (key.length > MAX_KEY)
    throw refused(place, [`${key.slice(0, 32)}…`], "invalid_input", `a key has ${MAX_KEY} characters at most`);
  if (!isEntryKey(key)) throw refused(place, [key], "invalid_input", "a key holds whole characters only");
  if (shapeOf(target) !== "object" || !holdsFields(target as object)) {
    throw refused(place, [key], "internal", "an entry is what the collection's class or factory makes");
  }
}
