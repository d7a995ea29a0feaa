import { hasHostileKey, isHostileKey, MAX_DEPTH } from "../protocol/decode.ts";
import { DELETE } from "../protocol/packets.ts";

type Plain = Readonly<Record<string, unknown>>;

/**
 * Applies a patch to a plain state, by the rules of `load` of `@signe/sync`: objects merge, `"$delete"` removes
 * a key, arrays are replaced, or changed item by item, and a name with dots is a path.
 *
 * Nothing is changed in place: the result shares all parts that the patch does not touch. Keys that reach a
 * prototype are ignored.
 *
 * @example
 * import { applyPatch } from "./apply.ts";
 * applyPatch({ a: 1, b: { c: 2 } }, { b: { c: "$delete", d: 3 } });  // { a: 1, b: { d: 3 } }
 */
export function applyPatch(state: Plain, patch: Plain): Plain {
  let next: Plain = state;
  for (const [key, change] of Object.entries(patch)) next = applyAt(next, key.split("."), change) as Plain;
  return next;
}

/** Applies a change at a path below a node, which may be missing or no container yet. */
function applyAt(node: unknown, [key, ...rest]: readonly string[], change: unknown): unknown {
  if (key === undefined || isHostileKey(key)) return node;
  const container = isContainer(node) ? node : {};
  const current = Object.hasOwn(container, key) ? (container as Plain)[key] : undefined;
  if (rest.length > 0) return withKey(container, key, applyAt(current, rest, change));
  if (change === DELETE) return isContainer(node) ? withoutKey(node, key) : node;
  if (!isPlain(change)) return withKey(container, key, hasHostileKey(change) ? withoutHostile(change) : change);
  // An empty object says nothing to a client that merges; it only makes sure that something is there.
  const base = isContainer(current) ? current : {};
  return withKey(container, key, mergeInto(base, change));
}

function mergeInto(base: object, patch: Plain): unknown {
  let next: unknown = base;
  for (const [key, change] of Object.entries(patch)) next = applyAt(next, key.split("."), change);
  return next;
}

function withKey(container: object, key: string, value: unknown): object {
  if (Object.hasOwn(container, key) && Object.is((container as Plain)[key], value)) return container;
  if (!Array.isArray(container)) return { ...container, [key]: value };
  const copy: unknown[] = [...(container as unknown[])];
  const index = Number(key);
  // Farther off there would be holes: a single number could make four billion of them.
  if (!Number.isInteger(index) || index < 0 || index > copy.length) return container;
  copy[index] = value;
  return copy;
}

/** A copy of what an array holds. What is nested too deeply is left out too. */
function withoutHostile(value: unknown, depth = 0): unknown {
  if (!isContainer(value)) return value;
  if (depth >= MAX_DEPTH) return null;
  if (Array.isArray(value)) return value.map((item) => withoutHostile(item, depth + 1));
  const kept = Object.entries(value).filter(([key]) => !isHostileKey(key));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutHostile(inner, depth + 1)]));
}

function withoutKey(container: object, key: string): object {
  if (!Object.hasOwn(container, key)) return container;
  const { [key]: _gone, ...rest } = container as Plain;
  return rest;
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isPlain(value: unknown): value is Plain {
  return isContainer(value) && !Array.isArray(value);
}
