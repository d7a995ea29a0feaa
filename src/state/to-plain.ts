import { isSignal } from "@signe/reactive";
import { RoomError } from "../protocol/errors.ts";
import { isHostileKey, isLiteral, isPlain, MAX_DEPTH, objectAt, promiseOf } from "../protocol/values.ts";
import { fieldOf, holdsFields, isId, nodeOf } from "./members.ts";
import type { Purpose } from "./field.ts";
import type { StateNode } from "./members.ts";
import type { Plain } from "../protocol/values.ts";
import { NO_INSTANCE, notJson } from "./json.ts";

/** Longer paths are cut in messages. */
const MAX_SHOWN = 200;

/** A value is nested too deeply, or circular. */
const TOO_DEEP = "A value is nested too deeply, or circular";

/** Called for each signal inside of a value. */
type OnSignal = (signal: unknown) => void;

/** A node with a path. */
interface Named {
  path(): string;
}

/** The state of reading one value. */
interface Reading {
  readonly purpose: Purpose;
  readonly onSignal?: OnSignal | undefined;
  /** The field of the value, for messages. */
  readonly field?: Named | undefined;
  /** The path to the current value. */
  readonly trail: string[];
}

/**
 * Converts a value to plain JSON data. It is a copy in which signals are read. Of an object with marked fields, only
 * those for the purpose are included. Functions, symbols and `undefined` are left out or become null, as in
 * `JSON.stringify`.
 * @throws Error naming the path, if JSON cannot represent it, if it is circular, or nested deeper than 64 levels
 */
export function toPlain(value: unknown, purpose: Purpose = "answer", field?: Named, onSignal?: OnSignal): unknown {
  return plain(value, { purpose, onSignal, field, trail: [] });
}

function plain(value: unknown, reading: Reading): unknown {
  // Stopping at the first error also ends a circle, however many branches it has.
  if (reading.trail.length > MAX_DEPTH) throw new Error(TOO_DEEP);
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : null;
    case "object":
      return value === null ? null : plainObject(value, reading);
    case "undefined":
      return undefined;
    default:
      return plainOther(value, reading);
  }
}

function plainOther(value: unknown, reading: Reading): unknown {
  if (isSignal(value)) {
    reading.onSignal?.(value);
    return plain((value as () => unknown)(), reading);
  }
  const target = fieldOf(value)?.target;
  if (target) {
    reading.onSignal?.(target.key);
    return target.keyFor(reading.purpose);
  }
  const isLeftOut = typeof value !== "bigint" && !promiseOf(value);
  if (reading.purpose === "answer" && isLeftOut) return undefined;
  throw unfit(value, reading);
}

function plainObject(value: object, reading: Reading): unknown {
  if (Array.isArray(value))
    return Array.from(value, (item, index) => plainInside(item, String(index), reading) ?? null);
  const source = value as Record<string, unknown>;
  const node = nodeOf(value);
  // What everyone is sent contains nothing of an entry that not everyone sees.
  if (node && !node.isForAll && reading.purpose !== "store") return undefined;
  const isGuarded = node !== undefined || isInstanceWithFields(source);
  if (!isGuarded) {
    const { purpose } = reading;
    if (purpose === "answer" && typeof source["toJSON"] === "function") {
      return plainInside(source["toJSON"](), "toJSON()", reading);
    }
    if (promiseOf(value) || (!isLiteral(value) && (purpose !== "answer" || notJson(value))))
      throw unfit(value, reading);
  }
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(source)) {
    const inner = source[key];
    const { purpose } = reading;
    if (isHostileKey(key) || !(isGuarded ? allows(node, key, inner, purpose) : mayRead(inner, purpose))) continue;
    const copied = plainInside(inner, key, reading);
    if (copied !== undefined) copy[key] = copied;
  }
  return copy;
}

function plainInside(value: unknown, key: string, reading: Reading): unknown {
  reading.trail.push(key);
  const copied = plain(value, reading);
  reading.trail.pop();
  return copied;
}

function unfit(value: unknown, { trail, field }: Reading): Error {
  const why = notJson(value) ?? NO_INSTANCE;
  const path = [...(field ? [field.path()] : []), ...trail].join(".").slice(0, MAX_SHOWN);
  return new RoomError("internal", path === "" ? why : `${path}: ${why}`);
}

/** An instance of a class with marked fields is treated as an entry, even inside of a plain value. */
function isInstanceWithFields(value: Record<string, unknown>): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype !== Object.prototype && prototype !== null && holdsFields(value);
}

function mayRead(value: unknown, purpose: Purpose): boolean {
  const field = fieldOf(value);
  if (!field) return true;
  return purpose === "store" ? field.persisted : field.synced && field.visibleTo === "all";
}

/** Unmarked objects of an entry may contain marked fields. Its other unmarked properties are not sent. */
function allows(node: StateNode | undefined, name: string, value: unknown, purpose: Purpose): boolean {
  if (fieldOf(value)) return mayRead(value, purpose);
  if (typeof value !== "object" || value === null || isId(value)) return false;
  return node ? node.holds(name, value) : !nodeOf(value)?.isWhole && holdsFields(value);
}

/**
 * The value that clients get: plain data in which keys with dots are nested. `undefined` becomes null.
 * @throws Error as {@link toPlain}
 */
export function toSent(value: unknown, field: Named, onSignal?: OnSignal): unknown {
  const copy = toPlain(value, "sync", field, onSignal);
  return typeof copy === "object" ? nestDottedKeys(copy) : (copy ?? null);
}

/**
 * Converts a plain value to the form that clients of `@signe/sync` can store. They read a key with dots as a path, so
 * `{ "a.b": 1 }` becomes `{ a: { b: 1 } }` here already. A path through a value that is not an object is left out,
 * since `load` would throw there. Keys inside of arrays, which are sent as a whole, are not changed.
 * @param depth the levels above the value
 * @throws Error if the result is nested deeper than 64 levels
 */
export function nestDottedKeys(value: unknown, depth = 0): unknown {
  if (!isPlain(value)) return value;
  if (depth >= MAX_DEPTH) throw new Error(TOO_DEEP);
  const nested: Plain = {};
  const dotted: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(value)) {
    if (key.includes(".")) dotted.push([key, inner]);
    else nested[key] = nestDottedKeys(inner, depth + 1);
  }
  for (const [key, inner] of dotted) {
    const path = key.split(".");
    if (depth + path.length > MAX_DEPTH) throw new Error(TOO_DEEP);
    placeNested(nested, path, nestDottedKeys(inner, depth + path.length));
  }
  return nested;
}

function placeNested(target: Plain, path: readonly string[], value: unknown): void {
  const parent = objectAt(target, path.slice(0, -1), (node, name) => {
    const current = Object.hasOwn(node, name) ? node[name] : {};
    return isPlain(current) ? current : undefined;
  });
  const last = path.at(-1) as string;
  if (parent && !Object.hasOwn(parent, last)) parent[last] = value;
}
