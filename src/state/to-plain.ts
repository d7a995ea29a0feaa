import { isSignal } from "@signe/reactive";
import { fieldOf, holdsFields, isId, nodeOf } from "./fields.ts";
import type { StateNode } from "./fields.ts";
import { isHostileKey, isPlain, MAX_DEPTH, objectAt } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";

/** A value is nested too deeply, or in a circle. */
const TOO_DEEP = "A value is nested too deeply, or in a circle";

/** Which fields of an entry are read: those that every client may see, or those that are stored. */
export type Purpose = "sync" | "store";

/** Called for each signal that a value holds. */
type OnSignal = (signal: unknown) => void;

/**
 * A value as plain JSON data: a copy in which signals are read, and of an object with marked fields only
 * those that the purpose allows. What JSON has no form for is left out, or null, as in `JSON.stringify`.
 * @throws Error if it is circular, or nested deeper than 64 levels
 */
export function toPlain(value: unknown, purpose: Purpose = "sync", onSignal?: OnSignal): unknown {
  return plain(value, purpose, onSignal, 0);
}

function plain(value: unknown, purpose: Purpose, onSignal: OnSignal | undefined, depth: number): unknown {
  // Giving up at once ends a circle too, however many branches it has.
  if (depth > MAX_DEPTH) throw new Error(TOO_DEEP);
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : null;
    case "object":
      return value === null ? null : plainObject(value, purpose, onSignal, depth);
    case "function":
      if (!isSignal(value)) return undefined;
      onSignal?.(value);
      return plain((value as () => unknown)(), purpose, onSignal, depth);
    default:
      return undefined;
  }
}

function plainObject(value: object, purpose: Purpose, onSignal: OnSignal | undefined, depth: number): unknown {
  if (Array.isArray(value)) {
    return Array.from(value, (item) => plain(item, purpose, onSignal, depth + 1) ?? null);
  }
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return plain((value.toJSON as () => unknown)(), purpose, onSignal, depth + 1);
  }
  const source = value as Record<string, unknown>;
  const keys = Object.keys(source);
  const node = nodeOf(value);
  const isGuarded = node !== undefined || isInstanceWithFields(source);
  const copy: Record<string, unknown> = {};
  for (const key of keys) {
    const inner = source[key];
    if (isHostileKey(key) || !(isGuarded ? allows(node, key, inner, purpose) : mayRead(inner, purpose))) continue;
    const copied = plain(inner, purpose, onSignal, depth + 1);
    if (copied !== undefined) copy[key] = copied;
  }
  return copy;
}

/** An instance of a class with marked fields is meant as an entry, even where it only lies in a plain value. */
function isInstanceWithFields(value: Record<string, unknown>): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype !== Object.prototype && prototype !== null && holdsFields(value);
}

function mayRead(value: unknown, purpose: Purpose): boolean {
  const field = fieldOf(value);
  if (!field) return true;
  return purpose === "sync" ? field.synced && field.visibleTo === "all" : field.persisted;
}

/** An entry's unmarked objects may hold marked fields; its other unmarked properties stay on the server. */
function allows(node: StateNode | undefined, name: string, value: unknown, purpose: Purpose): boolean {
  if (fieldOf(value)) return mayRead(value, purpose);
  if (typeof value !== "object" || value === null || isId(value)) return false;
  return node ? node.holds(name, value) : !nodeOf(value)?.isWhole && holdsFields(value);
}

/**
 * What clients get of a value: plain data in which keys with dots are nested. `undefined` becomes null.
 * @throws Error as {@link toPlain}
 */
export function toSent(value: unknown, onSignal?: OnSignal): unknown {
  const copy = plain(value, "sync", onSignal, 0);
  return typeof copy === "object" ? nestDottedKeys(copy) : (copy ?? null);
}

/**
 * A plain value as clients of `@signe/sync` can hold it: they take a key with dots for a path, so
 * `{ "a.b": 1 }` becomes `{ a: { b: 1 } }` here already. A path that leads through something that is no object
 * is left out, since `load` would throw there. Inside arrays, which are sent whole, keys stay as they are.
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
