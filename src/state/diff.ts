import { NEW_PART } from "../protocol/clean-patch.ts";
import { DELETE } from "../protocol/packets.ts";
import { isPlain } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";

/** The result of {@link diff} if there is nothing to send. */
export const SAME: unique symbol = Symbol("same");

/**
 * An object that replaces another value. `load` of `@signe/sync` merges into the existing value, so that has to be
 * removed first: {@link put} does that.
 */
export class Replacement {
  readonly value: Plain;
  /** Whether clients have no object or array there that they would merge into. */
  readonly isNew: boolean;
  constructor(value: Plain, isNew = false) {
    this.value = value;
    this.isNew = isNew;
  }
}

/** The name of a part that no object has. */
const NO_PART = "$$";

/** Arrays with a larger share of changed items than this are sent as a whole. */
const SPARSE = 0.5;

/**
 * Computes the smallest patch that turns one plain value into another by the rules of `load`: objects are merged,
 * `"$delete"` removes a key, and an array is replaced, or changed item by item if it did not shrink.
 *
 * @param next owned by the caller; parts of it may be in the patch
 * @example
 * import { diff } from "./diff.ts";
 * diff({ a: 1, b: { c: 2, d: 3 } }, { a: 1, b: { c: 4 } });  // { b: { c: 4, d: "$delete" } }
 */
export function diff(previous: unknown, next: unknown): unknown {
  if (Object.is(previous, next)) return SAME;
  if (typeof next !== "object" || next === null) return next;
  if (Array.isArray(next)) return Array.isArray(previous) ? diffArrays(previous, next) : next;
  if (isPlain(previous)) return diffObjects(previous, next as Plain);
  // A symbol means that it is unknown what clients have.
  return new Replacement(next as Plain, typeof previous !== "symbol" && !Array.isArray(previous));
}

function diffObjects(previous: Plain, next: Plain): unknown {
  let patch: Plain | undefined;
  for (const key of Object.keys(next)) {
    const change = Object.hasOwn(previous, key) ? diff(previous[key], next[key]) : next[key];
    if (change !== SAME) put((patch ??= {}), key, change);
  }
  for (const key of Object.keys(previous)) {
    if (!Object.hasOwn(next, key)) (patch ??= {})[key] = DELETE;
  }
  return patch ?? SAME;
}

function diffArrays(previous: readonly unknown[], next: readonly unknown[]): unknown {
  if (next.length < previous.length || previous.length === 0) return next.length === previous.length ? SAME : next;
  const patch: Plain = {};
  let changed = 0;
  for (let index = 0; index < next.length; index++) {
    const change = index < previous.length ? diff(previous[index], next[index]) : next[index];
    if (change === SAME) continue;
    if (++changed > next.length * SPARSE || !isExact(change)) return next;
    patch[index] = change;
  }
  return changed === 0 ? SAME : patch;
}

/**
 * Whether `load` applies this change correctly inside of an array. Keys with dots and empty objects need the whole
 * array.
 */
function isExact(change: unknown): boolean {
  if (change instanceof Replacement) return false;
  if (!isPlain(change)) return true;
  const entries = Object.entries(change);
  return entries.length > 0 && entries.every(([key, inner]) => !key.includes(".") && isExact(inner));
}

/**
 * Writes a change into a patch. A {@link Replacement} is written as the removal of the key, and then its parts under
 * dotted names, which `load` reads as paths. JSON keeps the order of keys, so one packet does both.
 */
export function put(patch: Plain, key: string, change: unknown): void {
  if (!(change instanceof Replacement)) {
    patch[key] = change;
    return;
  }
  patch[key] = DELETE;
  const parts = Object.entries(change.value);
  // Deleting a part of a missing value creates an empty object.
  if (change.isNew) patch[key + NEW_PART] = DELETE;
  else if (parts.length === 0) patch[`${key}.${NO_PART}`] = DELETE;
  for (const [inner, value] of parts) patch[`${key}.${inner}`] = value;
}

/** What everyone was sent of a node, as a whole. */
export function whole(node: { textFor(sees: () => boolean): string }): Replacement {
  return new Replacement(JSON.parse(node.textFor(() => false)) as Plain);
}
