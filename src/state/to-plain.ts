import { isSignal } from "@signe/reactive";
import { fieldOf, isEntry, isId } from "./fields.ts";
import type { Field } from "./fields.ts";
import { MAX_DEPTH, isHostileKey } from "../protocol/values.ts";

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
  if (depth > MAX_DEPTH) throw new Error("A value is nested too deeply, or in a circle");
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
  const isGuarded = isEntry(value) || isInstanceWithFields(source);
  const copy: Record<string, unknown> = {};
  for (const key of keys) {
    const inner = source[key];
    if (isHostileKey(key) || !(isGuarded ? allows(fieldOf(inner), inner, purpose) : mayRead(inner, purpose))) continue;
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
function allows(field: Field | undefined, value: unknown, purpose: Purpose): boolean {
  if (field) return mayRead(value, purpose);
  return typeof value === "object" && value !== null && !isId(value) && holdsFields(value);
}

function holdsFields(value: object): boolean {
  return Object.values(value).some((inner) => fieldOf(inner) !== undefined);
}
